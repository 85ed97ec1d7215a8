//! A profiler that runs for as long as it is wanted, and sends what it has seen every minute (protocol.md 18).
//!
//! ```text
//! start_profiler ─► "sentry-profiler", 101 times a second:          every minute, and at the end, on the same thread:
//!                   which threads compute? ─► their addresses ────► Chunk ─► names ─► envelope ─► client
//! ```
//!
//! Off until [`start_profiler`] is called on a client with a [`ProfilingIntegration`] whose session was sampled. What a thread pays
//! is being stopped while its stack is walked; threads that sleep are not touched. Linux only.
//!
//! ```no_run
//! use sentry_core::ClientOptions;
//! use sentry_integrations::profiling::{ProfilingIntegration, start_profiler, stop_profiler};
//!
//! let options = ClientOptions::new()
//!     .release("shop@1.2.3")
//!     .add_integration(ProfilingIntegration::new().session_sample_rate(1.0));
//! // … `sentry::init(options)` …
//! start_profiler();
//! // … what is to be looked at …
//! stop_profiler();
//! # drop(options);
//! ```

mod chunk;
mod encode;
mod profiler;

use std::sync::OnceLock;

use sentry_core::protocol::{Context, Event, ProfileContext};
use sentry_core::types::random_uuid;
use sentry_core::{ClientOptions, Integration};

pub use self::profiler::{start_profiler, stop_profiler};

/// Lets a client have profiles.
#[derive(Debug)]
pub struct ProfilingIntegration {
    session_sample_rate: f64,
    is_sampled: OnceLock<bool>,
}

impl ProfilingIntegration {
    /// One that never samples.
    #[must_use]
    pub fn new() -> Self {
        Self { session_sample_rate: 0.0, is_sampled: OnceLock::new() }
    }

    /// Sets the share of processes, from 0 to 1, whose profiler starts when it is asked to. 0 by default. Decided once.
    #[must_use]
    pub fn session_sample_rate(self, rate: f64) -> Self {
        Self { session_sample_rate: rate, ..self }
    }

    fn is_sampled(&self) -> bool {
        *self.is_sampled.get_or_init(|| is_below(random_uuid().as_u128(), self.session_sample_rate))
    }
}

impl Default for ProfilingIntegration {
    fn default() -> Self {
        Self::new()
    }
}

impl Integration for ProfilingIntegration {
    fn name(&self) -> &'static str {
        "profiling"
    }

    /// The profile that was being taken meanwhile.
    fn enrich(&self, event: &mut Event<'static>, _options: &ClientOptions) {
        if let Some(profiler_id) = profiler::id()
            && !event.contexts.contains_key("profile")
        {
            let context = ProfileContext { profiler_id: Some(profiler_id), ..ProfileContext::default() };
            event.contexts.insert("profile".to_owned(), Context::Profile(Box::new(context)));
        }
    }

    fn processes_events(&self) -> bool {
        false
    }
}

/// Whether a random number lies within this share of all.
fn is_below(random: u128, rate: f64) -> bool {
    // Version and variant take some of the upper bits; the lower 48 are all random.
    let number = (random as u64 & ((1 << 48) - 1)) as f64;
    number / ((1_u64 << 48) as f64) < rate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_a_share() {
        assert!(!is_below(0, 0.0) && is_below(0, 0.1));
        assert!(is_below(u128::MAX, 1.0) && !is_below(u128::MAX, 0.99));
        assert!(!is_below(0, f64::NAN));
    }

    #[test]
    fn a_session_is_decided_once_and_off_by_default() {
        assert!(!ProfilingIntegration::new().is_sampled());
        let half = ProfilingIntegration::new().session_sample_rate(0.5);
        let first = half.is_sampled();
        assert!((0..100).all(|_| half.is_sampled() == first));
    }
}
