//! Size limits: what is too large is made smaller before it is sent, so that no server refuses it.
//!
//! ```text
//! Outbound::finish ─► scrub ─► limits (here, on the worker) ─► spool, encode ─► Sender
//!
//!                              caps      the numbers
//!                              visit     one walk over an item: cuts texts, lists and values down to the caps
//!                              values    JSON of the application: a budget of bytes and of levels
//!                              reduce    an item that still does not fit gives up what is worth the least, step by step
//!                              names     releases, environments, slugs, tags: what servers accept as such
//!                              remarks   what was cut, in `_meta`
//! ```
//!
//! 1. **What servers cut, we cut**: the caps are those of Relay, so that nothing travels that is thrown away on arrival, and
//!    `_meta` says what is missing in the words that Relay uses.
//! 2. **Nothing is refused for its size.** An event above the limit of an item (protocol section 1.6) leaves out
//!    variables first, then source lines, breadcrumbs, extras, and so on. The exception, its innermost frames and the
//!    tags stay to the end.
//! 3. **What fits is not touched**, and finding that out is one walk over lengths: nothing is encoded for it.
//!
//! Cuts lie between characters, nothing recurses deeper than a fixed number of levels, and doing it twice is doing it once.
//! Scrubbing comes first: what the limits leave of a secret could not be recognised any more.

mod caps;
mod items;
mod json;
mod measure;
mod names;
mod reduce;
mod remarks;
mod stage;
mod telemetry;
#[cfg(test)]
mod tests;
mod values;
mod visit;

pub use self::stage::{Limits, Trimmed};
