//! All layers in one, with thresholds built in.

use std::fmt;
use std::marker::PhantomData;

use sentry_core::Hub;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::filter::{EventFilter, default_event_filter, default_span_filter};
use super::home::Home;
use super::mapping::EventMapping;
use super::{event, kept_fields, spans};

type EventMapper<S> = Box<dyn Fn(&Event<'_>, Context<'_, S>) -> EventMapping + Send + Sync>;

type SpanFilter = Box<dyn Fn(&Metadata<'_>) -> bool + Send + Sync>;

/// Makes spans of spans, and breadcrumbs, events and logs of events, by their levels.
pub struct SentryLayer<S> {
    event_filter: Box<dyn Fn(&Metadata<'_>) -> EventFilter + Send + Sync>,
    event_mapper: Option<EventMapper<S>>,
    /// `None`: the default one.
    span_filter: Option<SpanFilter>,
    with_spans: bool,
    /// Nothing that concerns spans was set.
    has_defaults: bool,
    pub(super) home: Home,
    subscriber: PhantomData<S>,
}

/// The layer with its defaults: [`default_event_filter`] and [`default_span_filter`].
#[must_use]
pub fn layer<S>() -> SentryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    SentryLayer::default()
}

impl<S> SentryLayer<S> {
    /// Sets what becomes of which event.
    #[must_use]
    pub fn event_filter<F>(self, filter: F) -> Self
    where
        F: Fn(&Metadata<'_>) -> EventFilter + Send + Sync + 'static,
    {
        Self { event_filter: Box::new(filter), ..self }
    }

    /// Sets a function that makes something of an event itself; the filter is not asked then.
    #[must_use]
    pub fn event_mapper<F>(self, mapper: F) -> Self
    where
        F: Fn(&Event<'_>, Context<'_, S>) -> EventMapping + Send + Sync + 'static,
    {
        Self { event_mapper: Some(Box::new(mapper)), ..self }
    }

    /// Sets which spans are followed.
    #[must_use]
    pub fn span_filter<F>(self, filter: F) -> Self
    where
        F: Fn(&Metadata<'_>) -> bool + Send + Sync + 'static,
    {
        Self { span_filter: Some(Box::new(filter)), has_defaults: false, ..self }
    }

    /// Adds the fields of the spans around an event to it, named `span:field`.
    #[must_use]
    pub fn enable_span_attributes(self) -> Self {
        Self { with_spans: true, has_defaults: false, ..self }
    }
}

impl<S> SentryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    #[inline(never)]
    fn on_new_span_as_wanted(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if self.with_spans {
            kept_fields::keep_fields(attributes, id, &context);
        }
        let metadata = attributes.metadata();
        if self.span_filter.as_ref().map_or_else(|| default_span_filter(metadata), |filter| filter(metadata))
        {
            spans::begin(&self.home, attributes, id.clone(), context);
        }
    }
}

impl<S> Default for SentryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn default() -> Self {
        Self {
            event_filter: Box::new(default_event_filter),
            event_mapper: None,
            span_filter: None,
            with_spans: false,
            has_defaults: true,
            home: Home::default(),
            subscriber: PhantomData,
        }
    }
}

impl<S> Layer<S> for SentryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if let Some(mapper) = &self.event_mapper {
            return Hub::with_active(|hub| mapper(event, context).capture(hub));
        }
        let wanted = (self.event_filter)(event.metadata());
        if !wanted.is_empty() {
            event::capture(event, wanted, self.with_spans.then_some(&context));
        }
    }

    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.home.settle(subscriber);
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.home.note_asked();
        None
    }

    #[inline]
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if self.has_defaults {
            if default_span_filter(attributes.metadata()) {
                spans::begin(&self.home, attributes, id.clone(), context);
            }
        } else {
            self.on_new_span_as_wanted(attributes, id, context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if self.with_spans {
            kept_fields::keep_record(id, values, &context);
        }
        spans::record(&self.home, id, values, &context);
    }

    #[inline]
    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        spans::enter(&self.home, id, context);
    }

    #[inline]
    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        spans::exit(id);
    }

    #[inline]
    fn on_close(&self, id: Id, context: Context<'_, S>) {
        spans::end(&self.home, id, context);
    }
}

impl<S> fmt::Debug for SentryLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryLayer")
            .field("event_mapper", &self.event_mapper.is_some())
            .field("with_spans", &self.with_spans)
            .finish_non_exhaustive()
    }
}
