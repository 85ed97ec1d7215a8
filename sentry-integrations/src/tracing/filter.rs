//! What becomes of which event or span, by its metadata.

use tracing_core::{Level, Metadata};

bitflags::bitflags! {
    /// What an event becomes; several at once are possible.
    #[derive(Clone, Copy, Debug)]
    pub struct EventFilter: u32 {
        /// Nothing.
        const Ignore = 0b000;
        /// A breadcrumb.
        const Breadcrumb = 0b001;
        /// An event.
        const Event = 0b010;
        /// A structured log.
        const Log = 0b100;
    }
}

/// `error!` becomes an event, `warn!` and `info!` become breadcrumbs. With the feature `logs` each of them is a log as well.
#[must_use]
pub fn default_event_filter(metadata: &Metadata<'_>) -> EventFilter {
    let kind = match *metadata.level() {
        Level::ERROR => EventFilter::Event,
        Level::WARN | Level::INFO => EventFilter::Breadcrumb,
        _ => return EventFilter::Ignore,
    };
    if cfg!(feature = "logs") { kind | EventFilter::Log } else { kind }
}

/// Spans of the level info and above.
#[must_use]
pub fn default_span_filter(metadata: &Metadata<'_>) -> bool {
    matches!(*metadata.level(), Level::ERROR | Level::WARN | Level::INFO)
}
