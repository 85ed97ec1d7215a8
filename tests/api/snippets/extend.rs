//! Integrations that applications write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sentry::protocol::Event;
use sentry::test::with_captured_events_options;
use sentry::{ClientOptions, Hub, Integration, Level};

/// Counts events and marks them.
#[derive(Default)]
struct Marker {
    seen: AtomicUsize,
}

impl Integration for Marker {
    fn name(&self) -> &'static str {
        "marker"
    }

    fn setup(&self, options: &mut ClientOptions) {
        options.server_name = Some("marked".into());
    }

    fn process_event(&self, mut event: Event<'static>, options: &ClientOptions) -> Option<Event<'static>> {
        self.seen.fetch_add(1, Ordering::Relaxed);
        event.tags.insert("pii".into(), options.send_default_pii.to_string());
        (event.level != Level::Debug).then_some(event)
    }
}

#[test]
fn an_integration_sets_up_and_processes() {
    let with_vector = ClientOptions { integrations: vec![Arc::new(Marker::default())], ..Default::default() };
    let with_setter = ClientOptions::new().add_integration(Marker::default());
    for options in [with_vector, with_setter] {
        let events = with_captured_events_options(
            || {
                sentry::capture_message("kept", Level::Info);
                sentry::capture_message("dropped", Level::Debug);
                let seen = |marker: &Marker, _: &Hub| marker.seen.load(Ordering::Relaxed);
                assert_eq!(sentry::with_integration::<Marker, _, _>(seen), 2);
                let found = Hub::current().with_integration(|_: &Marker| true);
                assert!(found);
            },
            options,
        );
        assert_eq!(events.len(), 1);
        assert_eq!(
            (events[0].server_name.as_deref(), events[0].tags["pii"].as_str()),
            (Some("marked"), "false")
        );
    }
}
