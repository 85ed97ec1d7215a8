//! Scrubbing: secrets are taken out of everything that leaves, before it is written anywhere.
//!
//! ```text
//! Outbound::finish ─► Finish (here, on the worker) ─► limits ─► spool, encode ─► Sender
//!
//!                     visit   walks through an item, place by place
//!                     rules   say how the text at a place is read: as any text, SQL, cookies, … or not at all
//!                     keys    tell by its name whether a value goes as a whole
//!                     text    finds secrets inside of a text
//!                     json    does all of that to what is encoded already
//!                     notes   remember in `_meta` what was taken out
//! ```
//!
//! Three rules, in this order:
//!
//! 1. Secrets go, whoever wrote them down: values under names such as `password` or `api_key`, and whatever looks like a
//!    card number, a token, a key, credentials in a URL, a social security number or a bank account. Here we differ from
//!    protocol section 11.1 on purpose, which leaves data of the application alone.
//! 2. What identifies a person (e-mail addresses, public IP addresses, home directories, literals of SQL) goes where the
//!    options do not permit it, from free text (messages, of exceptions too, log lines, names of spans) and from what was
//!    written down automatically: variables, requests, data of breadcrumbs of type `http`, `query`, `log` and
//!    `navigation`, attributes of spans and logs whose origin is `auto.…`. What the application sets under a name, such as
//!    the user of a scope, tags and attributes, stays.
//! 3. Everything else stays as it is, byte for byte. Ids, hashes, paths and versions are what events are read for.
//!
//! No regular expressions are used: every scanner is linear in the length of the text.

mod clean;
mod json;
mod keys;
pub(crate) mod notes;
mod pairs;
mod preview;
mod rules;
mod scrubber;
mod sql;
#[cfg(test)]
pub(crate) mod tests;
mod text;
pub(crate) mod trail;
mod visit;

use sentry_core::ClientOptions;

pub use self::scrubber::Scrubber;

/// What would be left of `json` with the default options. See [`Scrubber::preview`].
///
/// ```
/// use sentry_transport::scrub::preview;
///
/// let left = preview(r#"{"user": "jo", "api_key": "a1b2c3", "author": "Ann"}"#);
/// assert_eq!(left, r#"{"user": "jo", "api_key": "[Filtered]", "author": "Ann"}"#);
/// ```
#[must_use]
pub fn preview(json: &str) -> String {
    Scrubber::new(&ClientOptions::new()).preview(json)
}
