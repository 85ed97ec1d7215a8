//! How many errors may leave.

/// Limits on identical errors and on errors altogether.
///
/// Identical are errors of one type from one place in the code. Crashes and messages captured by hand are exempt.
///
/// ```
/// use sentry_core::ClientOptions;
/// use sentry_core::options::FloodControl;
///
/// let quiet = FloodControl { max_per_day: Some(10_000), ..FloodControl::default() };
/// assert_eq!(ClientOptions::new().flood_control(quiet).flood_control.burst, 1_000);
/// ```
// Not `#[non_exhaustive]`, like `ClientOptions`: it is filled in with `..Default::default()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct FloodControl {
    /// Whether anything is limited at all.
    pub enabled: bool,
    /// How many identical errors pass at once.
    pub burst: u32,
    /// How many more of them pass in a minute after that.
    pub per_minute: u32,
    /// How many errors of all kinds pass in a minute.
    pub max_per_minute: Option<u32>,
    /// How many errors of all kinds pass in a day.
    pub max_per_day: Option<u32>,
}

impl FloodControl {
    /// No limits.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }
}

impl Default for FloodControl {
    fn default() -> Self {
        Self { enabled: true, burst: 1_000, per_minute: 60, max_per_minute: None, max_per_day: None }
    }
}
