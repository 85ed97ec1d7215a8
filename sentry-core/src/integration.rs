//! What completes events: contexts, stack traces, request data of frameworks.

use std::any::{Any, type_name};

use crate::options::ClientOptions;
use crate::protocol::{Event, LogAttribute};

/// Lets a `dyn Integration` be found by its type again. Implemented for everything.
pub trait AsAny {
    /// The value as [`Any`].
    fn as_any(&self) -> &dyn Any;
}

impl<T: Any> AsAny for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Extends a client.
///
/// Integrations that only add to an event implement [`enrich`](Self::enrich) and answer `false` in
/// [`processes_events`](Self::processes_events): they run wherever the event is completed, normally on the worker.
/// One that answers `true`, the default, has [`process_event`](Self::process_event) called on the capturing thread,
/// which completes every event there: correct, and slower.
pub trait Integration: Sync + Send + Any + AsAny {
    /// Its name, listed in the SDK info of each event.
    fn name(&self) -> &'static str {
        type_name::<Self>()
    }

    /// Called once when the client is built; may edit the options.
    fn setup(&self, options: &mut ClientOptions) {
        let _ = options;
    }

    /// Changes or drops (`None`) an event, on the capturing thread.
    fn process_event(&self, event: Event<'static>, options: &ClientOptions) -> Option<Event<'static>> {
        let _ = options;
        Some(event)
    }

    /// Adds to an event what it does not have yet.
    fn enrich(&self, event: &mut Event<'static>, options: &ClientOptions) {
        let _ = (event, options);
    }

    /// Attributes that every log has, besides its own. Asked once, when the first log is written.
    fn log_attributes(&self, options: &ClientOptions) -> Vec<(&'static str, LogAttribute)> {
        let _ = options;
        Vec::new()
    }

    /// Whether [`process_event`](Self::process_event) does anything.
    fn processes_events(&self) -> bool {
        true
    }
}
