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
use crate::client_report::Recorder;
use crate::hub::current::address_here;
use crate::hub::here::{Here, Root, here};
use crate::hub::outside::Outside;
use crate::hub::plain::{self, Decides};
use crate::hub::{Hub, HubState, lock};
use crate::options::{ClientOptions, TraceLifecycle, TracesSamplingStrategy};
use crate::protocol::TraceId;
use crate::suppress;
use crate::trace::{self, Kind, UnsampledRoot};

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
    /// Leaves out a root that an integration is about to begin and puts it in its `place`, if all that is certain: the thread is
    /// in no span, and it is known what decides. Otherwise that takes [more](Self::begin_root). For integrations that make
    /// every span known which a thread enters.
    // Always built into the integration: half of it would be to hand things over.
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub fn leaves_root_out(key: u64, registry: u32, place: &'static UnsampledRoot, kind: Kind) -> bool {
        // In this order nothing has to be taken back.
        let Some(Decides { rate, streams }) = here(Here::decides_alone) else { return false };
        let Some(skip) = trace::next_skip(rate) else { return false };
        if suppress::is_suppressed() || !place.take(key, registry) {
            return false;
        }
        skip.use_up();
        let hub = address_here();
        place.begin(hub, kind, rate);
        here(|here| here.root.set(Root { key, place, hub }));
        if plain::with_recorder(|recorder| recorder.leave_out_root(streams)).unwrap_or(false) {
            ring();
        }
        true
    }

    /// Begins a span of an integration that has none above it but what the current hub knows of. `is_below` tells whether there
    /// is one that the hub does not know of: one that was entered on another thread only.
    #[doc(hidden)]
    #[must_use]
    pub fn begin_root(begins: Begins, kind: Kind, is_below: impl FnOnce() -> bool) -> Outlook {
        if Self::is_in_any_span() {
            return if Self::is_in_unsampled_span() { Outlook::Nothing } else { Outlook::Look };
        }
        match here(Here::decides) {
            Some(Decides { rate: plain::OFF, .. }) => return Outlook::Nothing,
            None if !client::any_live() => return Outlook::Nothing,
            _ => {}
        }
        let is_alone = begins.sees_all && here(|here| here.others.get()) == 0;
        if !is_alone && is_below() || !begins.takes_place() {
            return Outlook::Look;
        }
        let outlook = Self::closer_look(begins.place, kind);
        if !matches!(outlook, Outlook::Unsampled) {
            begins.place.leave();
        }
        outlook
    }

    /// At a root that has its place.
    fn closer_look(place: &'static UnsampledRoot, kind: Kind) -> Outlook {
        // First: what changes from here on begins a new one.
        let generation = plain::generation();
        if suppress::is_suppressed() || Outside::is_asked() {
            return Outlook::Look;
        }
        let hub = Self::current();
        let mut state = lock(&hub.state);
        if let Some(outlook) = state.before_root() {
            return outlook;
        }
        let found = match state.binding.with_client(found).unwrap_or(Err(Outlook::Nothing)) {
            Ok(found) => found,
            Err(outlook) => return outlook,
        };
        state.rely();
        drop(state);
        let (decides, recorder) = found;
        let is_off = decides.rate == plain::OFF;
        if !is_off && recorder.listens() {
            return Outlook::Look;
        }
        plain::remember(&hub, generation, decides, recorder.clone());
        if is_off {
            return Outlook::Nothing;
        }
        let rate = decides.rate;
        match trace::is_next_kept(rate) {
            None => Outlook::Look,
            Some(true) => trace::kept(rate).map_or(Outlook::Look, Outlook::Kept),
            Some(false) => {
                place.begin(Arc::as_ptr(&hub).addr(), kind, rate);
                if recorder.leave_out_root(decides.streams) {
                    recorder.ring();
                }
                Outlook::Unsampled
            }
        }
    }
}

#[cold]
fn ring() {
    if let Some(recorder) = plain::with_recorder(Recorder::clone) {
        recorder.ring();
    }
}

/// A root that an integration is about to begin. For integrations.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Begins {
    /// What it is known by.
    pub key: u64,
    /// Where it is known by that. 0: that is not known.
    pub registry: u32,
    /// The place that it takes, if that is free and nothing is to be recorded.
    pub place: &'static UnsampledRoot,
    /// Whether every span that a thread of the integration enters is made known.
    pub sees_all: bool,
}

impl Begins {
    #[inline]
    fn takes_place(&self) -> bool {
        self.registry != 0 && self.place.take(self.key, self.registry)
    }
}

/// What decides on roots, if that is certain for a while.
fn found(client: &Client) -> Result<(Decides, Recorder), Outlook> {
    if !client.is_enabled() {
        return Err(Outlook::Nothing);
    }
    let options = client.options();
    let streams = options.trace_lifecycle == TraceLifecycle::Stream;
    let recorder = options.client_report_recorder.clone();
    Ok((Decides { rate: rate(options)?, streams }, recorder))
}

/// The rate, where nothing else decides.
fn rate(options: &ClientOptions) -> Result<f32, Outlook> {
    if options.spotlight.is_on()
        || trace::names_decide(options)
        || options.enable_backpressure_handling && options.client_report_recorder.downsample_factor() != 0
    {
        return Err(Outlook::Look);
    }
    match (&options.traces_sampling_strategy, &options.traces_sampler) {
        (TracesSamplingStrategy::Disabled, None) if options.traces_sample_rate == plain::OFF => {
            Ok(plain::OFF)
        }
        (TracesSamplingStrategy::Disabled, None) => Ok(options.traces_sample_rate),
        (TracesSamplingStrategy::FixedRate(rate), _) if *rate != plain::OFF => Ok(*rate),
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
