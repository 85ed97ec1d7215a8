//! A profiler that runs for as long as it is wanted, and sends what it has seen every minute (protocol.md 18).
//!
//! ```text
//! start_profiler,  ─► "sentry-profiler", 101 times a second:          every minute, at a flush and at the end:
//! or a root span      which threads compute? ─► their addresses ────► Chunk ─► names ─► envelope ─► client
//! ```
//!
//! Off unless a client has a [`ProfilingIntegration`] whose session was sampled. It then runs from [`start_profiler`] to
//! [`stop_profiler`], or, with [`ProfileLifecycle::Trace`], while a sampled transaction goes on. What a thread pays is being
//! stopped while its stack is walked; threads that sleep are not touched. Linux only.
//!
//! Events, transactions and streamed spans say which profiler ran, and transactions say on which thread they began, by the
//! number that the profile has for it.
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
mod roots;
mod signal;

use std::sync::OnceLock;

use sentry_core::protocol::{Context, Event, ProfileContext, Span};
use sentry_core::types::random_uuid;
use sentry_core::{Client, ClientEvent, ClientOptions, Integration, RootSpan, WeakClient};
use sentry_panic::sampling;

pub use self::profiler::{start_profiler, stop_profiler};

/// What starts and stops the profiler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileLifecycle {
    /// [`start_profiler`] and [`stop_profiler`].
    #[default]
    Manual,
    /// Traces: it runs while a sampled transaction goes on. Needs tracing to be on.
    Trace,
}

/// Lets a client have profiles.
#[derive(Debug)]
pub struct ProfilingIntegration {
    session_sample_rate: f64,
    lifecycle: ProfileLifecycle,
    is_sampled: OnceLock<bool>,
}

impl ProfilingIntegration {
    /// One that never samples.
    #[must_use]
    pub fn new() -> Self {
        Self { session_sample_rate: 0.0, lifecycle: ProfileLifecycle::default(), is_sampled: OnceLock::new() }
    }

    /// Sets the share of processes, from 0 to 1, whose profiler starts when it is asked to. 0 by default. Decided once.
    #[must_use]
    pub fn session_sample_rate(self, rate: f64) -> Self {
        Self { session_sample_rate: rate, ..self }
    }

    /// Sets what starts and stops the profiler: functions by default.
    #[must_use]
    pub fn lifecycle(self, lifecycle: ProfileLifecycle) -> Self {
        Self { lifecycle, ..self }
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

    fn after_all_setup(&self, client: &Client) {
        if self.is_sampled() {
            let (weak, lifecycle) = (client.downgrade(), self.lifecycle);
            client.on(move |event| hear(event, &weak, lifecycle)).detach();
        }
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

    fn process_span(&self, span: &mut Span, _options: &ClientOptions) {
        if let Some(profiler_id) = profiler::id() {
            let id = profiler_id.as_simple().to_string();
            span.data.entry("sentry.profiler_id".to_owned()).or_insert_with(|| id.into());
        }
    }

    fn processes_spans(&self) -> bool {
        self.is_sampled()
    }
}

/// What happens in a client with profiles.
fn hear(event: &ClientEvent<'_>, client: &WeakClient, lifecycle: ProfileLifecycle) {
    match event {
        ClientEvent::RootStarted(root) => {
            let runs = match lifecycle {
                ProfileLifecycle::Trace => profiler::watch(root, client),
                ProfileLifecycle::Manual => profiler::id().is_some(),
            };
            if runs {
                tell_thread(root);
            }
        }
        ClientEvent::Flush { timeout } => profiler::hand_over_for(client, *timeout),
        ClientEvent::Close { timeout } => profiler::stop_for(client, *timeout),
        _ => {}
    }
}

/// Lets a transaction say on which thread it runs, as samples of the profile do.
fn tell_thread(root: &RootSpan) {
    let Some(number) = sampling::current() else { return };
    root.set_data("thread.id", number.to_string().into());
    if let Some(name) = std::thread::current().name() {
        root.set_data("thread.name", name.into());
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
