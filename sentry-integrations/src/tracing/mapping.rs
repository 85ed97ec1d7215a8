//! What an event was made into by a mapper of the application.

use sentry_core::Hub;
use sentry_core::protocol::{Breadcrumb, Event, Log};

use crate::mapped_log;

/// What an event becomes, as a mapper says.
#[derive(Debug)]
#[non_exhaustive]
pub enum EventMapping {
    /// Nothing.
    Ignore,
    /// A breadcrumb.
    Breadcrumb(Breadcrumb),
    /// An event.
    Event(Box<Event<'static>>),
    /// A structured log.
    Log(Log),
    /// Several of these.
    Combined(CombinedEventMapping),
}

/// Several things that one event becomes.
#[derive(Debug)]
pub struct CombinedEventMapping(Vec<EventMapping>);

impl From<EventMapping> for CombinedEventMapping {
    fn from(mapping: EventMapping) -> Self {
        match mapping {
            EventMapping::Combined(combined) => combined,
            single => Self(vec![single]),
        }
    }
}

impl From<Vec<EventMapping>> for CombinedEventMapping {
    fn from(mappings: Vec<EventMapping>) -> Self {
        Self(mappings)
    }
}

impl EventMapping {
    /// Captures it on `hub`.
    pub(super) fn capture(self, hub: &Hub) {
        match self {
            Self::Ignore => {}
            Self::Breadcrumb(breadcrumb) => hub.add_breadcrumb(breadcrumb),
            Self::Event(event) => _ = hub.capture_event(*event),
            Self::Log(log) => mapped_log::capture(hub, log),
            Self::Combined(combined) => combined.0.into_iter().for_each(|mapping| mapping.capture(hub)),
        }
    }
}
