//! What is kept on disk until it is delivered.

use std::path::PathBuf;
use std::time::Duration;

/// When an item is written to the cache directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CachePolicy {
    /// When it could not be sent, when the queue runs full, and at the end of the process. Crashes always come first.
    #[default]
    OnFailure,
    /// Before it is sent for the first time.
    Always,
}

/// Limits and policy of the cache directory. See [`ClientOptions::cache_dir`](crate::ClientOptions::cache_dir).
///
/// ```
/// use sentry_core::ClientOptions;
/// use sentry_core::options::{CacheOptions, CachePolicy};
///
/// let options = ClientOptions::new().cache(CacheOptions {
///     dir: Some("state/sentry".into()),
///     policy: CachePolicy::Always,
///     ..CacheOptions::default()
/// });
/// assert_eq!(options.cache.max_bytes, 32 * 1024 * 1024);
/// ```
// Not `#[non_exhaustive]`, like `ClientOptions`: it is filled in with `..Default::default()`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct CacheOptions {
    /// The directory. `None` keeps everything in memory.
    pub dir: Option<PathBuf>,
    /// When an item is written.
    pub policy: CachePolicy,
    /// How many items are kept; beyond that the least important and oldest go.
    pub max_items: usize,
    /// How many bytes they may take.
    pub max_bytes: u64,
    /// How old they may get.
    pub max_age: Duration,
    /// How far apart they are sent, so that a program that was offline for long does not begin with a burst.
    pub pace: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            dir: None,
            policy: CachePolicy::OnFailure,
            max_items: 10_000,
            max_bytes: 32 * 1024 * 1024,
            max_age: Duration::from_secs(30 * 24 * 60 * 60),
            pace: Duration::from_millis(100),
        }
    }
}

/// Whether the user of the application has to agree before anything is sent; see
/// [`ClientOptions::consent`](crate::ClientOptions::consent()).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// No. Only if the user has said no all the same, now or in an earlier run, nothing is sent.
    #[default]
    NotNeeded,
    /// Yes: until [`give_consent`](crate::give_consent) was called, now or in an earlier run, everything is held back.
    Required,
}
