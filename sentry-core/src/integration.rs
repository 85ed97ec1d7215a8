//! What completes events: contexts, stack traces, request data of frameworks.

use std::any::{Any, TypeId, type_name};
use std::sync::{Arc, Mutex};

use crate::client::Client;
use crate::options::ClientOptions;
use crate::process::Held;
use crate::protocol::{Event, LogAttribute, Span};
use crate::suppress::guarded;
use crate::sync::lock;

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
/// ```text
/// a client is made:     setup_once ─► setup, of one integration after the other ─► after_all_setup
/// an event is captured: preprocess_event ─► scopes, enrich ─► event processors ─► process_event ─► before_send
/// a span is streamed:   process_span ─► before_send_span
/// ```
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

    /// Called before the first [`setup`](Self::setup) of all integrations of this type in the process: for what belongs to the
    /// process and not to a client, such as a hook.
    fn setup_once(&self) {}

    /// Called once when the client is built; may edit the options.
    fn setup(&self, options: &mut ClientOptions) {
        let _ = options;
    }

    /// Called when the client is ready and all its integrations are set up. To hear of what happens in the client later, see
    /// [`Client::on`]; whoever keeps the client keeps it alive.
    fn after_all_setup(&self, client: &Client) {
        let _ = client;
    }

    /// Changes an event before scopes and other integrations have added to it: it is what was handed to the capture. Asked
    /// where [`process_event`](Self::process_event) is, if [`processes_events`](Self::processes_events) says so.
    fn preprocess_event(&self, event: &mut Event<'static>, options: &ClientOptions) {
        let _ = (event, options);
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

    /// Changes a span that is about to be streamed by itself, on the thread that ends it. What is in the `data` of the span
    /// becomes its attributes.
    fn process_span(&self, span: &mut Span, options: &ClientOptions) {
        let _ = (span, options);
    }

    /// Whether [`process_event`](Self::process_event) or [`preprocess_event`](Self::preprocess_event) does anything.
    fn processes_events(&self) -> bool {
        true
    }

    /// Whether [`process_span`](Self::process_span) does anything.
    fn processes_spans(&self) -> bool {
        false
    }
}

/// The types whose first time has been.
static SEEN: Mutex<Vec<TypeId>> = Mutex::new(Vec::new());

/// Sets up integrations of types that this process has not seen yet.
pub(crate) fn set_up_once(integrations: &[Arc<dyn Integration>]) {
    for integration in integrations {
        let ty = (**integration).as_any().type_id();
        let is_first = {
            let mut seen = lock(&SEEN);
            let is_first = !seen.contains(&ty);
            if is_first {
                seen.push(ty);
            }
            is_first
        };
        if is_first {
            let _ = guarded("integration setup", || integration.setup_once());
        }
    }
}

/// What those who process events have to do before anybody has added to one.
pub(crate) fn preprocess(options: &ClientOptions, event: &mut Event<'static>) {
    for integration in options.integrations.iter().filter(|integration| integration.processes_events()) {
        // What was changed before a panic stays changed.
        let _ = guarded("integration", || integration.preprocess_event(event, options));
    }
}

/// What integrations have to say about a span that is streamed.
pub(crate) fn process_span(options: &ClientOptions, span: &mut Span) {
    for integration in options.integrations.iter().filter(|integration| integration.processes_spans()) {
        let _ = guarded("integration", || integration.process_span(span, options));
    }
}

/// For a fork.
pub(crate) fn hold(held: &mut Held<'_>) {
    held.lock(&SEEN);
}

#[cfg(all(test, feature = "test"))]
mod tests {
    use super::*;
    use crate::options::TraceLifecycle;
    use crate::protocol::Value;
    use crate::test::with_captured_envelopes_options;
    use crate::{Level, TransactionContext};

    type Calls = Arc<Mutex<Vec<&'static str>>>;

    /// Notes which of its methods are called.
    struct Notes(Calls);

    impl Notes {
        fn note(&self, what: &'static str) {
            lock(&self.0).push(what);
        }
    }

    impl Integration for Notes {
        fn setup_once(&self) {
            self.note("once");
        }

        fn setup(&self, _: &mut ClientOptions) {
            self.note("setup");
        }

        fn after_all_setup(&self, client: &Client) {
            assert!(client.is_enabled() && client.options().integrations.len() == 2);
            self.note("after all");
        }

        fn preprocess_event(&self, event: &mut Event<'static>, _: &ClientOptions) {
            assert!(!event.tags.contains_key("size") && event.release.is_none(), "as it was captured");
            event.tags.insert("color".into(), "red".into());
            self.note("preprocess");
        }

        fn process_event(&self, event: Event<'static>, _: &ClientOptions) -> Option<Event<'static>> {
            assert_eq!((&*event.tags["color"], &*event.tags["size"]), ("red", "7"));
            assert_eq!(event.release.as_deref(), Some("app@1"));
            self.note("process");
            Some(event)
        }

        fn process_span(&self, span: &mut Span, _: &ClientOptions) {
            span.data.insert("color".into(), "red".into());
            self.note("span");
        }

        fn processes_spans(&self) -> bool {
            true
        }
    }

    fn options(calls: &Calls) -> ClientOptions {
        ClientOptions::new()
            .release("app@1")
            .traces_sample_rate(1.0)
            .trace_lifecycle(TraceLifecycle::Stream)
            .add_integration(Notes(Arc::clone(calls)))
            .add_integration(Notes(Arc::clone(calls)))
    }

    #[test]
    fn each_method_is_called_in_its_turn() {
        let calls = Calls::default();
        let envelopes = with_captured_envelopes_options(
            || {
                crate::configure_scope(|scope| scope.set_tag("size", 7));
                crate::capture_message("a", Level::Info);
                crate::start_transaction(TransactionContext::new("t", "op")).finish();
            },
            options(&calls),
        );
        let expected = ["once", "setup", "setup", "after all", "after all"];
        let then = ["preprocess", "preprocess", "process", "process", "span", "span"];
        assert_eq!(*lock(&calls), [&expected[..], &then].concat());
        let mut json = Vec::new();
        envelopes.iter().for_each(|envelope| envelope.to_writer(&mut json).unwrap());
        let text = String::from_utf8(json).unwrap();
        let span = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut span = span.filter(|line| line["items"][0]["is_segment"] == true);
        assert_eq!(span.next().unwrap()["items"][0]["attributes"]["color"]["value"], "red");

        // Not the first of its type in this process.
        let calls = Calls::default();
        with_captured_envelopes_options(|| (), options(&calls));
        assert_eq!(*lock(&calls), expected[1..]);
    }
}
