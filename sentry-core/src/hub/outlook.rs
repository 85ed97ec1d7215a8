//! What is to become of a root span that an integration is about to begin.
//!
//! ```text
//! begin_root ─► Outlook::Nothing    no client, no tracing, or already in a span that is not recorded
//!            ─► Outlook::Unsampled  left out, and counted: the place of the integration remembers it
//!            ─► Outlook::Kept       a new trace that is recorded
//!            ─► Outlook::Look       it takes a closer look: a sampler, a trace that is continued, a span to be below
//! ```
//!
//! The first two are what a service that samples few traces sees all the time, so they take no share in anything, and no
//! random number either.

use std::sync::Arc;

use crate::client::{self, Client};
use crate::client_report::protocol::{Category, Reason};
use crate::hub::plain::{self, Found};
use crate::hub::{Hub, HubState, lock};
use crate::options::{ClientOptions, TraceLifecycle, TracesSamplingStrategy};
use crate::protocol::TraceId;
use crate::suppress;
use crate::trace::{self, UnsampledRoot};

/// What is to become of a root span. For integrations.
#[derive(Debug)]
#[doc(hidden)]
pub enum Outlook {
    /// It begins a trace with this id, which is kept.
    Kept(TraceId),
    /// Nothing is certain.
    Look,
    /// Nothing follows from it.
    Nothing,
    /// It is not recorded, and the place knows it.
    Unsampled,
}

impl Hub {
    /// Begins a span that has none above it but what the current hub knows of. `label` says where it is from and what it is
    /// called. `place` takes the place of the integration, if it is free; unless the span is in it, it is left again.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn begin_root(
        place: impl FnOnce() -> Option<&'static UnsampledRoot>,
        label: (&'static str, &'static str),
    ) -> Outlook {
        if !client::any_live() {
            return Outlook::Nothing;
        }
        if Self::is_in_any_span() {
            let is_off = Self::is_in_unsampled_span();
            return if is_off { Outlook::Nothing } else { Outlook::Look };
        }
        let Some(place) = place() else { return Outlook::Look };
        if let Some(hub) = plain::here()
            && let Some(outlook) = plain::with_found(|found| at_once(found, place, hub, label)).flatten()
        {
            if matches!(outlook, Outlook::Nothing) {
                place.leave();
            }
            return outlook;
        }
        let outlook = Self::outlook(place, label);
        if !matches!(outlook, Outlook::Unsampled) {
            place.leave();
        }
        outlook
    }

    #[inline(never)]
    fn outlook(place: &'static UnsampledRoot, label: (&'static str, &'static str)) -> Outlook {
        if suppress::is_suppressed() {
            return Outlook::Look;
        }
        let generation = plain::generation();
        let hub = Self::current();
        let mut state = lock(&hub.state);
        if let Some(outlook) = state.before_root() {
            return outlook;
        }
        let found = state.binding.with_client(found).unwrap_or(Err(Outlook::Nothing));
        let found = match found {
            Ok(found) => found,
            Err(outlook) => return outlook,
        };
        state.rely();
        drop(state);
        let (rate, recorder) = (found.rate, found.recorder.clone());
        plain::remember(&hub, generation, found);
        let Some(rate) = rate else { return Outlook::Nothing };
        let is_kept = if recorder.listens() { None } else { trace::is_next_kept(rate) };
        match is_kept {
            None => Outlook::Look,
            Some(true) => trace::kept(rate).map_or(Outlook::Look, Outlook::Kept),
            Some(false) => {
                let streams = plain::with_found(|found| found.streams).unwrap_or(false);
                place.begin(Arc::as_ptr(&hub).addr(), label, rate);
                if recorder.record_quietly(Reason::SampleRate, lost(streams)) {
                    recorder.ring();
                }
                Outlook::Unsampled
            }
        }
    }
}

/// What is to become of a root on a plain hub, if that takes no closer look and nobody is to be told.
#[inline]
fn at_once(
    found: &Found,
    place: &UnsampledRoot,
    hub: usize,
    label: (&'static str, &'static str),
) -> Option<Outlook> {
    let Some(rate) = found.rate else { return Some(Outlook::Nothing) };
    let recorder = &found.recorder;
    if suppress::is_suppressed()
        || recorder.listens()
        || recorder.downsample_factor() != 0
        || !trace::skips_one(rate)
    {
        return None;
    }
    place.begin(hub, label, rate);
    if recorder.record_quietly(Reason::SampleRate, lost(found.streams)) {
        recorder.ring();
    }
    Some(Outlook::Unsampled)
}

#[inline]
fn lost(streams: bool) -> &'static [Category] {
    if streams { &[Category::Span] } else { &[Category::Transaction, Category::Span] }
}

/// What decides on roots, if that is certain for a while.
fn found(client: &Client) -> Result<Found, Outlook> {
    if !client.is_enabled() {
        return Err(Outlook::Nothing);
    }
    let options = client.options();
    let streams = options.trace_lifecycle == TraceLifecycle::Stream;
    let recorder = options.client_report_recorder.clone();
    Ok(Found { rate: rate(options)?, streams, recorder })
}

/// The rate, where nothing else decides. `Ok(None)`: tracing is off.
fn rate(options: &ClientOptions) -> Result<Option<f32>, Outlook> {
    if options.spotlight.is_on()
        || options.enable_backpressure_handling && options.client_report_recorder.downsample_factor() != 0
    {
        return Err(Outlook::Look);
    }
    match (&options.traces_sampling_strategy, &options.traces_sampler) {
        (TracesSamplingStrategy::Disabled, None) if options.traces_sample_rate == 0.0 => {
            Err(Outlook::Nothing)
        }
        (TracesSamplingStrategy::Disabled, None) => Ok(Some(options.traces_sample_rate)),
        (TracesSamplingStrategy::FixedRate(rate), _) => Ok(Some(*rate)),
        _ => Err(Outlook::Look),
    }
}

impl HubState {
    /// What is certain of a span that begins here, without a look at the client.
    #[inline]
    fn before_root(&mut self) -> Option<Outlook> {
        if self.is_outside_of_work() {
            return None;
        }
        let is_off = match &self.unsettled {
            Some(unsettled) => unsettled.is_unsampled(),
            None => self.top().is_in_unsampled_span(),
        };
        Some(if is_off { Outlook::Nothing } else { Outlook::Look })
    }
}
