//! Finding secrets in free text.
//!
//! One pass over the bytes. A table tells letters and digits, the few signs that something may begin or end at, and the
//! rest apart; what looks like the start of a secret is handed to the scanner of its kind:
//!
//! ```text
//! bytes ─► start of a word ─► number (card, SSN, address), prefix (JWT, cloud keys, bearer), IBAN, home directory
//!      └─► sign            ─► `:` `=` assignment, `://` credentials, `@` e-mail, `-----` key block, `<name>` element
//! ```
//!
//! No scanner looks further than a bound or than it consumes, so that the time is linear in the length whatever the text
//! is. All ends of a hit are ASCII, hence at boundaries of characters.

mod assignment;
mod base64;
mod card;
mod email;
mod hit;
mod home;
mod iban;
mod ip;
mod pem;
mod prefix;
mod scan;
mod ssn;
mod url;

pub(super) use self::card::is_card;
pub(super) use self::hit::{Hit, Rule};
pub(super) use self::scan::{Wanted, find};
