//! Sessions: how healthy a release is (protocol.md 13).
//!
//! ```text
//! start_session ─► Session (on the isolation scope) ◄─ fault ─ every captured event
//!                     │ application                   │ request
//!                     ▼                               ▼
//!        Update: rides with its event,       Tally: counted by minute,
//!        or goes alone at the end            goes after a minute at the latest
//! ```
//!
//! A session is updated before the die of sampling is cast, so that crash-free rates do not depend on sample rates. An
//! update that rides with an event which is dropped on its way comes back here if the server must have it: the first
//! one, without which the session is not counted, and the last one.

#![cfg_attr(not(feature = "release-health"), expect(dead_code, reason = "nothing starts a session"))]

mod buffer;
mod fault;
mod handle;
mod state;
mod tally;

pub(crate) use self::buffer::Buffer;
pub(crate) use self::fault::{Fault, Origin, fault_of_error, fault_of_event};
pub(crate) use self::handle::{Session, Ticket};
pub(crate) use self::state::Status;

#[cfg(all(test, feature = "release-health"))]
mod tests;
