//! The public API that applications rely on, checked by the compiler.
//!
//! A file per module of the facade. A file names every path, every method with its whole signature, every public field
//! with its type, every variant and the traits of each type; what has another shape here does not compile. `snippets`
//! holds small programs in the forms that published code uses. `.ci/api_names.py` lists the names of the inventory that
//! no file uses yet.

#![expect(clippy::type_complexity, reason = "a signature is checked by writing it down")]
#![expect(unused_qualifications, reason = "a type is named by each of its paths")]

#[macro_use]
mod checks;

mod client_report;
mod integrations;
mod protocol;
mod root;
mod snippets;
mod test_kit;
mod transports;
mod types;
mod utils;
