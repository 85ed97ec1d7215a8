//! How much JSON of others is taken along, and how deep it may be nested.
//!
//! A capture must stay cheap whatever it is given, and so must the queue. What is far beyond the size limits of servers is
//! taken off where it is captured, in a walk that ends when it has seen enough; exact limits are for the last stage, on the
//! worker. What was taken off is not even dropped here: a million values take longer to drop than all else. The worker
//! does that ([`Rest`]).
//!
//! Cloning, encoding and dropping a [`Value`](crate::protocol::Value) recurse once per level, and the worker has a small
//! stack: what a user nests without end would end the process there. So what lies deeper than [`DEEPEST`] is cut off
//! without recursion. Nothing is lost by that: a server that reads JSON with the usual limit of 128 levels would refuse
//! the whole item.

mod apart;
mod parts;
mod place;
mod rest;
mod walk;

pub use self::apart::take_apart;
pub(crate) use self::rest::Rest;
#[cfg(feature = "metrics")]
pub(crate) use self::walk::is_deep;
#[cfg(feature = "logs")]
pub(crate) use self::walk::{BODY, limit_body};
pub(crate) use self::walk::{
    limit, limit_all, limit_chain, limit_context, limit_event, limit_transaction, message,
};

/// Levels of one value that are kept.
const DEEPEST: u32 = 100;

/// What stands in the place of what was cut off.
const CUT: &str = "[nested too deeply]";

#[cfg(test)]
mod tests;
