//! The spool: envelopes on disk until a server has answered.
//!
//! ```text
//! <cache_dir>/                    0700 where we make it, and never writable by others; no symlink
//!   v1-<hash of the DSN>/         what was meant for one project never reaches another
//!     <run>.lock                  locked for the life of the process; empty unless that crashes
//!     <run>/                      of one process; 16 random hex digits
//!       <sequence>-<time>-<rank>-<tries>-<length>-<checksum>-<event id>-<session>.env
//!       *.tmp                     being written
//!     crashes/                    notes of processes that crashed
//!     aside/                      what could not be read, a few files of it
//! ```
//!
//! - **A file becomes visible whole**: written as `.tmp`, renamed when it is complete. Length and checksum are in its name, so
//!   that what a power failure has torn or zeroed is found when it is read, and set aside.
//! - **All there is to know is in the names**: starting reads one directory and no file.
//! - **One process writes a run**, the one that holds its lock. Whoever gets the lock of another run knows that its process is
//!   dead, and sends what it left, in place and under that lock: two processes never send one file.
//! - **A try is noted before the file is read**, and taken back when the process has survived it: what kills its reader five
//!   times is set aside.
//! - **Without `Durability::Power` nothing is synced**: the death of the process loses nothing, the loss of power may.
//!
//! Names carry no data of the user: the event id is random. Contents are envelopes as they are sent, in plain, for the owner
//! of the directory only. Nothing is encrypted.

mod adopt;
pub(crate) mod consent;
#[cfg(test)]
mod cost_tests;
mod dir;
mod evict;
#[cfg(test)]
mod fault_tests;
mod fs;
mod health;
#[cfg(all(test, unix))]
mod hostile_tests;
mod index;
mod marker;
mod name;
mod run;
mod session;
mod show;
mod spare;
mod store;
#[cfg(test)]
mod upkeep_tests;
mod view;

pub(crate) use self::marker::Marker;
pub use self::show::show;
pub(crate) use self::store::{Limits, Spool, home};
pub use self::view::{Entry, Kind, State, list, purge, purge_all};
