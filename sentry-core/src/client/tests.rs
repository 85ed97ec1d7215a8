use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::Hub;
use crate::client_report::protocol::{Category, Reason};
use crate::envelope::EnvelopeItem;
use crate::outbound::{Outbound, OutboundItem};
use crate::protocol::{Attachment, Envelope, Event, Level, User};
use crate::scope::Scope;
use crate::sync::lock;
use crate::test::{TestTransport, with_captured_envelopes_options, with_captured_events_options};
use crate::trace::TransactionContext;
use crate::types::Uuid;

const DSN: &str = "https://public@sentry.invalid/1";

fn losses(options: &ClientOptions) -> Vec<(Category, Reason, u64)> {
    let totals = options.client_report_recorder.totals();
    totals.iter().map(|item| (item.category(), item.reason(), item.quantity())).collect()
}

#[test]
fn what_before_send_transaction_takes_out_stays_out() {
    let options = ClientOptions::new().traces_sample_rate(1.0).before_send_transaction(|mut transaction| {
        assert!(transaction.user.is_some());
        transaction.user = None;
        transaction.tags.clear();
        transaction.spans.truncate(1);
        transaction.event_id = Uuid::nil();
        Some(transaction)
    });
    let kept = options.clone();
    let envelopes = with_captured_envelopes_options(
        || {
            crate::configure_scope(|scope| {
                scope.set_user(Some(User { email: Some("a@b.example".into()), ..Default::default() }));
                scope.set_tag("secret", 1);
            });
            let transaction = crate::start_transaction(TransactionContext::new("name", "op"));
            (0..3).for_each(|_| transaction.start_child("op", "").finish());
            transaction.finish();
        },
        options,
    );
    let Some(EnvelopeItem::Transaction(transaction)) = envelopes[0].items().next() else { panic!("one") };
    assert_eq!((&transaction.user, transaction.tags.len()), (&None, 0));
    assert!(!transaction.event_id.is_nil());
    assert_eq!(envelopes[0].uuid(), Some(&transaction.event_id));
    assert!(envelopes[0].headers().trace().is_some() && envelopes[0].headers().sdk().is_some());
    assert_eq!(losses(&kept), [(Category::Span, Reason::BeforeSend, 2)]);
}

#[test]
fn an_event_never_has_the_nil_id() {
    let options = ClientOptions::new().before_send(|mut event| {
        event.event_id = Uuid::nil();
        Some(event)
    });
    let mut id = Uuid::nil();
    let event = Event { event_id: Uuid::nil(), ..Event::default() };
    let events = with_captured_events_options(|| id = crate::capture_event(event), options);
    assert!(!id.is_nil());
    assert_eq!(events[0].event_id, id);
}

#[test]
fn attachments_of_a_dropped_event_are_counted_with_it() {
    let attach = || {
        crate::configure_scope(|scope| {
            scope.add_attachment(Attachment { buffer: vec![0; 500], ..Default::default() });
        });
        crate::capture_message("", Level::Info);
    };
    for (options, reason) in [
        (ClientOptions::new().before_send(|_| None), Reason::BeforeSend),
        (ClientOptions::new().before_send(|_| panic!("expected by the test")), Reason::CallbackError),
        (ClientOptions::new().sample_rate(0.0), Reason::SampleRate),
    ] {
        assert!(with_captured_events_options(attach, options.clone()).is_empty());
        let mut counted = losses(&options);
        counted.sort_by_key(|(_, _, quantity)| *quantity);
        assert_eq!(counted, [(Category::Error, reason, 1), (Category::Attachment, reason, 500)]);
    }
}

/// Panics, or captures, in everything it does.
struct Unruly {
    panics: bool,
    sent: Mutex<usize>,
}

impl Transport for Unruly {
    fn send_envelope(&self, _envelope: Envelope) {
        *lock(&self.sent) += 1;
        crate::capture_message("from the transport", Level::Error);
        assert!(!self.panics, "expected by the test");
    }

    fn flush(&self, _timeout: Duration) -> bool {
        assert!(!self.panics, "expected by the test");
        true
    }
}

#[test]
fn a_transport_may_capture_and_panic() {
    for panics in [false, true] {
        let transport = Arc::new(Unruly { panics, sent: Mutex::new(0) });
        let options = ClientOptions::new().dsn(DSN).transport(Arc::clone(&transport));
        let kept = options.clone();
        let client = Arc::new(Client::from(options));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Hub::run(hub, || assert!(!crate::capture_message("once", Level::Info).is_nil()));
        assert_eq!(client.flush(None), !panics);
        assert_eq!(client.close(None), !panics);
        assert!(client.close(None), "nothing is left to close");
        assert_eq!(*lock(&transport.sent), 1);
        assert_eq!(losses(&kept).len(), usize::from(panics));
    }
}

#[test]
fn a_set_up_that_panics_does_not_reach_the_application() {
    struct Bad;
    impl Integration for Bad {
        fn setup(&self, _options: &mut ClientOptions) {
            panic!("expected by the test");
        }
    }
    let options = ClientOptions::new().add_integration(Bad);
    let events = with_captured_events_options(|| _ = crate::capture_message("still", Level::Info), options);
    assert_eq!(events.len(), 1);

    let factory = |_: &ClientOptions| -> Arc<dyn Transport> { panic!("expected by the test") };
    let client = Client::from(ClientOptions::new().dsn(DSN).transport(factory));
    assert!(!client.is_enabled());
}

#[test]
fn an_event_captured_with_a_scope_of_ones_own_belongs_to_a_trace() {
    let transport = TestTransport::new();
    let client = Client::from(ClientOptions::new().dsn(DSN).transport(Arc::clone(&transport)));
    client.capture_event(Event::default(), Some(&Scope::default()));
    let envelopes = transport.fetch_and_clear_envelopes();
    assert!(envelopes[0].event().unwrap().contexts.contains_key("trace"));
    assert!(envelopes[0].headers().trace().is_some());
}

#[test]
fn a_clone_is_the_same_client() {
    let transport = TestTransport::new();
    let client = Client::from(ClientOptions::new().dsn(DSN).transport(Arc::clone(&transport)));
    let clone = client.clone();
    assert!(clone.close(None) && !client.is_enabled());
    assert!(client.capture_event(Event::default(), None).is_nil());
}

#[test]
fn a_large_message_is_charged_and_not_copied_again() {
    #[derive(Default)]
    struct Looks(Mutex<Vec<(usize, bool)>>);
    impl Transport for Looks {
        fn send_envelope(&self, _envelope: Envelope) {}

        fn send(&self, mut outbound: Outbound) {
            let size = outbound.size_hint();
            let address = match &outbound.item {
                OutboundItem::Message { text, .. } => text.as_ptr(),
                _ => std::ptr::null(),
            };
            let event = outbound.build_event(None);
            let same = event.message.as_ref().is_some_and(|text| text.as_ptr() == address);
            lock(&self.0).push((size, same));
        }
    }
    let transport = Arc::new(Looks::default());
    let client = Client::from(ClientOptions::new().dsn(DSN).transport(Arc::clone(&transport)));
    let hub = Hub::new(Some(Arc::new(client)), Arc::default());
    for length in [100_000, 10_000_000] {
        hub.capture_message(&"x".repeat(length), Level::Info);
    }
    let seen = lock(&transport.0);
    assert!(seen[0].0 > 100_000 && seen[0].1, "{seen:?}");
    assert!((100_000..200_000).contains(&seen[1].0), "no server takes more than the beginning: {seen:?}");
}

#[test]
fn a_relative_cache_directory_stays_where_the_process_worked_at_first() {
    let client = Client::from(ClientOptions::new().dsn(DSN).cache_dir("relative"));
    let dir = client.options().cache.dir.as_deref().unwrap();
    assert!(dir.is_absolute() && dir.ends_with("relative"), "{}", dir.display());
}
