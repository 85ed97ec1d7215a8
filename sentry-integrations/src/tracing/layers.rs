//! Layers that do one thing each.

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, LevelFilter, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::filter::EventFilter;
use super::home::Home;
use super::{event, kept_fields, spans};

/// Makes spans of spans.
///
/// It has no threshold of its own: put a filter in front of it.
#[derive(Debug, Default)]
pub struct SpanLayer {
    home: Home,
}

impl SpanLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for SpanLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.home.settle(subscriber);
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.home.note_asked();
        None
    }

    #[inline]
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        spans::begin(&self.home, attributes, id.clone(), context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
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

macro_rules! event_layer {
    ($name:ident, $kind:expr, $doc:literal) => {
        #[doc = $doc]
        ///
        /// It has no threshold of its own: put a filter in front of it.
        #[derive(Debug, Default)]
        pub struct $name {
            with_spans: bool,
        }

        impl $name {
            /// The layer.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// Adds the fields of the spans around, named `span:field`.
            #[must_use]
            pub fn enable_span_attributes(self) -> Self {
                Self { with_spans: true }
            }
        }

        impl<S> Layer<S> for $name
        where
            S: Subscriber + for<'a> LookupSpan<'a>,
        {
            fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
                event::capture(event, $kind, self.with_spans.then_some(&context));
            }

            fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
                if self.with_spans {
                    kept_fields::keep_fields(attributes, id, &context);
                }
            }

            fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
                if self.with_spans {
                    kept_fields::keep_record(id, values, &context);
                }
            }
        }
    };
}

event_layer!(BreadcrumbLayer, EventFilter::Breadcrumb, "Makes breadcrumbs of events.");
event_layer!(
    ErrorLayer,
    EventFilter::Event,
    "Makes events of events. Without a filter, every event of an application is one that counts."
);
event_layer!(
    LogLayer,
    EventFilter::Log,
    "Makes structured logs of events. Does nothing without the feature `logs`."
);
