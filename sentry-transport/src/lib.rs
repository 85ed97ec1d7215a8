//! Background delivery of envelopes: queue, worker, senders, rate limits.
//!
//! ```text
//! Transport::send ─► queue (lanes, bounded) ─► worker: finish ─ limit ─ encode ─► Sender ─► classify ─► answered,
//!                                                                                           retried or counted
//! ```
//!
//! Every item that is accepted ends in exactly one of: acknowledged by the server, discarded because the server asked for
//! it, or counted in a client report. No call blocks beyond its deadline, whatever the server does: [`BackgroundTransport`]
//! has the rules. Applications use the `sentry` crate; this one is for those who bring a [`Sender`] of their own.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod background;
mod batch;
mod caught;
#[cfg(test)]
mod consent_tests;
mod custom;
mod driver;
mod encode;
mod fan_out;
mod finish;
mod flood;
mod generations;
pub mod limits;
mod queue;
mod rate_limit;
mod retry;
pub mod scrub;
mod sender;
pub mod spool;
mod spotlight;
mod store;
#[cfg(test)]
mod store_tests;
pub mod transports;
mod wire;

pub use crate::background::BackgroundTransport;
pub use crate::custom::SenderTransport;
pub use crate::fan_out::FanOutFactory;
pub use crate::finish::LastStage;
pub use crate::sender::{
    BodyReader, BoxFuture, Deadline, FileSender, FnSender, Request, Response, SendError, Sender, StdoutSender,
};
