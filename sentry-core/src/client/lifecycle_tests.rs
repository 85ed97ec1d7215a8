use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::time::Instant;

use super::*;
use crate::client_report::Recorder;
use crate::client_report::protocol::{Category, Reason};
use crate::envelope::Envelope;
use crate::options::ClientOptions;
use crate::protocol::Level;
use crate::sync::lock;
use crate::{Hub, clock};

const LONG: Duration = Duration::from_secs(20);

/// Ends a flush when it is told to, or at its deadline.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    idle: bool,
    panics: bool,
    flushed_on: Mutex<Vec<(ThreadId, Option<String>, bool)>>,
}

impl Gate {
    fn open(&self) {
        *lock(&self.open) = true;
        self.opened.notify_all();
    }

    fn pass(&self, timeout: Duration) -> bool {
        let thread = thread::current();
        let name = thread.name().map(str::to_owned);
        lock(&self.flushed_on).push((thread.id(), name, crate::is_suppressed()));
        assert!(!self.panics, "expected by the test");
        let wait = self.opened.wait_timeout_while(lock(&self.open), timeout, |open| !*open);
        wait.map(|(open, _)| *open).unwrap_or(false)
    }

    fn threads(&self) -> usize {
        lock(&self.flushed_on).len()
    }
}

impl Transport for Gate {
    fn send_envelope(&self, _envelope: Envelope) {}

    fn is_idle(&self) -> bool {
        self.idle
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.pass(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.pass(timeout)
    }
}

fn client(gate: Gate) -> (Client, Arc<Gate>) {
    let gate = Arc::new(gate);
    let options = ClientOptions::new().dsn("https://public@sentry.invalid/1").transport(Arc::clone(&gate));
    (Client::from(options), gate)
}

/// The smallest executor there is.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Polls once.
fn poll(future: &mut (impl Future<Output = bool> + Unpin)) -> Poll<bool> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn since(begun: Instant) -> Duration {
    clock::instant().saturating_duration_since(begun)
}

#[test]
fn an_async_flush_waits_on_a_thread_of_its_own() {
    let (client, gate) = client(Gate::default());
    let mut flush = Box::pin(client.flush_async(Some(LONG)));
    assert_eq!(gate.threads(), 0, "nothing happens before it is polled");
    let begun = clock::instant();
    assert_eq!(poll(&mut flush), Poll::Pending);
    assert!(since(begun) < Duration::from_secs(1), "the polling thread does not wait");
    gate.open();
    assert!(block_on(flush));
    let seen = lock(&gate.flushed_on);
    let (id, name, suppressed) = &seen[0];
    assert_ne!(*id, thread::current().id());
    assert_eq!((name.as_deref(), *suppressed), (Some("sentry-flush"), true));
}

#[test]
fn an_async_flush_ends_at_its_deadline() {
    let (client, gate) = client(Gate::default());
    let begun = clock::instant();
    assert!(!block_on(client.flush_async(Some(Duration::from_millis(50)))));
    assert!(since(begun) < Duration::from_secs(5));
    gate.open();
    assert!(block_on(client.flush_async(None)), "the client stays usable");
}

#[test]
fn an_idle_transport_needs_no_thread_and_no_second_poll() {
    let (client, gate) = client(Gate { idle: true, ..Gate::default() });
    assert_eq!(poll(&mut Box::pin(client.flush_async(None))), Poll::Ready(true));
    assert_eq!(gate.threads(), 0);
    let off = Client::from(ClientOptions::new());
    assert_eq!(poll(&mut Box::pin(off.flush_async(None))), Poll::Ready(true));
    assert_eq!(poll(&mut Box::pin(off.close_async(None))), Poll::Ready(true));
}

#[test]
fn a_transport_that_panics_fails_the_flush_only() {
    let (client, _gate) = client(Gate { panics: true, ..Gate::default() });
    assert!(!block_on(client.flush_async(Some(LONG))));
    assert!(client.is_enabled());
    assert!(!block_on(client.close_async(Some(LONG))));
    assert!(!client.is_enabled());
}

#[test]
fn an_async_close_switches_off_at_its_first_poll() {
    let (client, gate) = client(Gate::default());
    let mut close = Box::pin(client.close_async(Some(LONG)));
    assert!(client.is_enabled());
    assert_eq!(poll(&mut close), Poll::Pending);
    assert!(!client.is_enabled());
    gate.open();
    assert!(block_on(close));
    assert!(block_on(client.close_async(None)), "nothing is left to close");
    assert_eq!(gate.threads(), 1);
}

#[test]
fn a_flush_outlives_its_future_and_its_client() {
    let (client, gate) = client(Gate::default());
    let mut flush = Box::pin(client.flush_async(Some(LONG)));
    assert_eq!(poll(&mut flush), Poll::Pending);
    drop((flush, client));
    gate.open();
    let begun = clock::instant();
    while Arc::strong_count(&gate) > 1 {
        assert!(since(begun) < LONG, "the thread ends and lets go of the transport");
        thread::yield_now();
    }
}

#[test]
fn a_waker_that_panics_stays_on_its_thread() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("expected by the test");
        }
    }
    let (client, gate) = client(Gate::default());
    let mut flush = Box::pin(client.flush_async(Some(LONG)));
    let bad = Waker::from(Arc::new(Bad));
    assert_eq!(flush.as_mut().poll(&mut Context::from_waker(&bad)), Poll::Pending);
    gate.open();
    let begun = clock::instant();
    while poll(&mut flush).is_pending() {
        assert!(since(begun) < LONG);
        thread::yield_now();
    }
}

/// Counts what it is given as delivered, refused and stored, a third each; keeps what is left over for the flush.
struct Thirds(Recorder);

impl Transport for Thirds {
    fn send_envelope(&self, _envelope: Envelope) {
        self.0.count_accepted(1);
    }

    fn flush(&self, _timeout: Duration) -> bool {
        let third = self.0.stats().queued / 3;
        self.0.count_delivered(third, 100 * third);
        self.0.count_limited(third);
        self.0.count_spooled(third);
        self.0.stats().queued == 0
    }
}

#[test]
fn a_flush_tells_what_has_become_of_the_items() {
    let factory = |options: &ClientOptions| -> Arc<dyn Transport> {
        Arc::new(Thirds(options.client_report_recorder.clone()))
    };
    let options = ClientOptions::new().dsn("https://public@sentry.invalid/1").transport(factory);
    let client = Arc::new(Client::from(options));
    let hub = Hub::new(Some(Arc::clone(&client)), Arc::default());
    (0..7).for_each(|_| _ = hub.capture_message("one of seven", Level::Info));
    assert_eq!((client.stats().accepted, client.stats().queued), (7, 7));
    let expected = Flush { complete: false, sent: 2, spooled: 2, dropped: 2, pending: 1 };
    assert_eq!(client.flush_report(None), expected);
    assert_eq!(client.flush_report(None), Flush { sent: 0, spooled: 0, dropped: 0, ..expected });
    assert_eq!(client.stats().bytes_sent, 200);
}

#[test]
fn the_application_hears_of_losses_and_may_use_the_sdk_then() {
    let (heard, captured) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (list, count) = (Arc::clone(&heard), Arc::clone(&captured));
    let options = ClientOptions::new()
        .traces_sample_rate(0.0)
        .before_send(|event| (event.level != Level::Debug).then_some(event))
        .on_drop(move |dropped| {
            lock(&list).push((dropped.reason, dropped.category, dropped.quantity));
            crate::configure_scope(|scope| scope.set_tag("lost", true));
            let transaction = crate::start_transaction(crate::TransactionContext::new("inner", ""));
            transaction.finish();
            count.fetch_add(
                usize::from(!crate::capture_message("inner", Level::Info).is_nil()),
                Ordering::Relaxed,
            );
        });
    let events = crate::test::with_captured_events_options(
        || {
            crate::capture_message("lost", Level::Debug);
            let transaction = crate::start_transaction(crate::TransactionContext::new("name", "op"));
            crate::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
            transaction.finish();
            crate::capture_message("kept", Level::Info);
        },
        options,
    );
    assert_eq!(
        *lock(&heard),
        [
            (Reason::BeforeSend, Category::Error, 1),
            (Reason::SampleRate, Category::Transaction, 1),
            (Reason::SampleRate, Category::Span, 1),
        ]
    );
    assert_eq!(captured.load(Ordering::Relaxed), 0, "captures lead nowhere there");
    assert_eq!((events.len(), events[0].tags.contains_key("lost")), (1, true));
}

#[test]
fn transactions_that_back_pressure_drops_are_counted_as_such() {
    for (handled, reason) in [(true, Some(Reason::Backpressure)), (false, None)] {
        let options = ClientOptions::new().traces_sample_rate(1.0).enable_backpressure_handling(handled);
        let recorder = options.client_report_recorder.clone();
        (0..100).for_each(|_| recorder.set_unhealthy(true));
        let envelopes = crate::test::with_captured_envelopes_options(
            || {
                (0..40)
                    .for_each(|_| crate::start_transaction(crate::TransactionContext::new("n", "o")).finish())
            },
            options,
        );
        let dropped: u64 = recorder.totals().iter().map(|item| item.quantity()).sum();
        assert_eq!(dropped / 2 + envelopes.len() as u64, 40, "a transaction and its span");
        assert!(recorder.totals().iter().all(|item| Some(item.reason()) == reason));
        assert_eq!(envelopes.len() == 40, !handled);
    }
}
