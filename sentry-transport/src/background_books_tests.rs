//! Every item is counted once, in unlikely cases too.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};

use sentry_core::protocol::{Attachment, FileAttachment};
use sentry_core::{Client, Scope};

use super::*;
use crate::sender::{BoxFuture, Deadline, Request, SendError};

impl Rig {
    fn books(&self) -> [u64; 5] {
        let stats = self.recorder.stats();
        [stats.accepted, stats.delivered, stats.limited, stats.dropped, stats.queued]
    }
}

#[test]
fn an_event_that_is_limited_at_its_second_try_is_not_delivered_by_the_report_it_carried() {
    // By what it gets: the second try may come before the other event.
    let rule = |body: &str| {
        let limited = Response::new(200).with_header("X-Sentry-Rate-Limits", "60:error:key");
        let is_delivered = || body.contains("\"delivered\"").then_some(Reply::Answer(limited));
        if body.contains("\"limited\"") { Some(Reply::Interrupted) } else { is_delivered() }
    };
    let sender = Arc::new(Scripted::by(rule));
    let theirs = Arc::clone(&sender);
    let rig = rig_with([], |setup| setup.make_sender = Box::new(move || Arc::clone(&theirs) as _));
    rig.recorder.record(Reason::BeforeSend, Category::Span, 7);
    rig.send("limited");
    sender.wait_for(1);
    rig.send("delivered");
    wait_until(|| sender.bodies().iter().any(|body| body.contains("\"delivered\"")));
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.books(), [2, 1, 0, 1, 0]);
    assert_eq!(rig.lost(Category::Error, Reason::RatelimitBackoff), 1);
    let last = sender.bodies().pop().unwrap();
    assert!(last.contains("before_send") && last.contains("ratelimit_backoff"), "{last}");
}

#[test]
fn no_patience_is_too_long() {
    let rig = rig_with([], |setup| setup.request_timeout = Duration::MAX);
    // Large bodies get more time.
    let noise = (0..200_000_u32).map(|index| (index.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
    let attachment = Attachment { buffer: noise, filename: "noise".into(), ..Attachment::default() };
    rig.transport.send_envelope(attachment.into());
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.books(), [1, 1, 0, 0, 0]);
}

fn no_file() -> FileAttachment {
    FileAttachment::new("/no/such/file")
}

#[test]
fn what_cannot_be_written_is_counted_once_though_the_rest_is_lost_later() {
    let rig = rig([Reply::Refuse, answer(400)]);
    let mut envelope = Envelope::from(Event::new());
    envelope.add_item(no_file());
    rig.transport.send_envelope(envelope);
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.books(), [1, 0, 0, 1, 0]);
    assert_eq!(rig.lost(Category::Error, Reason::SendError), 1);
    assert_eq!(rig.lost(Category::Attachment, Reason::InternalSdkError), 1);
    assert_eq!(rig.total_lost(), 2, "{:?}", rig.recorder.totals());
}

#[test]
fn a_report_does_not_deliver_what_it_rides_with() {
    let rig = rig([]);
    rig.recorder.record(Reason::BeforeSend, Category::Span, 7);
    rig.transport.send_envelope(no_file().into());
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.books(), [1, 0, 0, 1, 0]);
    assert_eq!(rig.total_lost(), 8);
    assert!(rig.sender.bodies().iter().any(|body| body.contains("before_send")));
}

/// Fails at its third request with an error that takes the worker down, when it is told to.
#[derive(Debug, Default)]
struct Deadly {
    requests: Mutex<usize>,
    exploded: Arc<AtomicBool>,
    trigger: Arc<Trigger>,
}

#[derive(Debug, Default)]
struct Trigger {
    is_pulled: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Trigger {
    fn pull(&self) {
        self.is_pulled.store(true, Relaxed);
        if let Some(waker) = self.waker.lock().unwrap().take() {
            waker.wake();
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        *self.waker.lock().unwrap() = Some(context.waker().clone());
        if self.is_pulled.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Explodes once: a panic while another one unwinds ends the process.
#[derive(Debug)]
struct Bomb(Arc<AtomicBool>);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.0.swap(true, Relaxed), "expected by the test");
    }
}

impl fmt::Display for Bomb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bomb")
    }
}

impl std::error::Error for Bomb {}

impl Sender for Deadly {
    fn send(&self, _: Request, _: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        let mut requests = self.requests.lock().unwrap();
        *requests += 1;
        if *requests < 3 {
            return Box::pin(std::future::pending());
        }
        let bomb = Bomb(Arc::clone(&self.exploded));
        Box::pin(async {
            std::future::poll_fn(|context| self.trigger.poll(context)).await;
            Err(SendError::interrupted().with_source(bomb))
        })
    }
}

#[test]
fn what_a_worker_had_when_it_died_is_counted() {
    let trigger = Arc::<Trigger>::default();
    let theirs = Arc::clone(&trigger);
    let make = move || Arc::new(Deadly { trigger: Arc::clone(&theirs), ..Deadly::default() }) as _;
    let rig = rig_with([], |setup| setup.make_sender = Box::new(make));
    (0..10).for_each(|index| rig.transport.send(log(index)));
    (0..5).for_each(|index| rig.send(&format!("{index}")));
    trigger.pull();
    let start = clock::instant();
    rig.transport.flush(LONG);
    assert!(start.elapsed() < Duration::from_secs(5), "nobody waits for the dead");
    assert_eq!(rig.books(), [15, 0, 0, 15, 0]);
    let lost = |category| {
        let totals = rig.recorder.totals();
        totals.iter().filter(|item| item.category() == category).map(Item::quantity).sum::<u64>()
    };
    assert_eq!([Category::LogItem, Category::Error, Category::Default].map(lost), [10, 5, 0]);
}

/// Fails with an error that cannot be shown.
#[derive(Debug)]
struct Unspeakable;

#[derive(Debug)]
struct Silent;

impl fmt::Display for Silent {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("expected by the test");
    }
}

impl std::error::Error for Silent {}

impl Sender for Unspeakable {
    fn send(&self, _: Request, _: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async { Err(SendError::setup().with_source(Silent)) })
    }
}

#[test]
fn an_error_that_cannot_be_shown_costs_its_item_and_nothing_else() {
    let rig = rig_with([], |setup| setup.make_sender = Box::new(|| Arc::new(Unspeakable)));
    for expected in 1..=3 {
        rig.send("one");
        assert!(rig.transport.flush(LONG));
        assert_eq!(rig.books(), [expected, 0, 0, expected, 0]);
    }
    assert_eq!(rig.lost(Category::Error, Reason::InternalSdkError), 3);
}

#[derive(Debug)]
struct PanicsWithABomb;

impl Sender for PanicsWithABomb {
    fn send(&self, _: Request, _: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(std::future::poll_fn(|_| -> Poll<_> { std::panic::panic_any(Bomb(Arc::default())) }))
    }
}

#[test]
fn a_panic_whose_payload_panics_costs_its_item_and_nothing_else() {
    let rig = rig_with([], |setup| setup.make_sender = Box::new(|| Arc::new(PanicsWithABomb)));
    (0..3).for_each(|_| rig.send("one"));
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.books(), [3, 0, 0, 3, 0]);
    assert!(rig.recorder.stats().last_error.is_some_and(|error| !error.contains("worker")));
}

#[test]
fn a_limited_event_is_not_queued_because_it_has_attachments() {
    let limited = Response::new(200).with_header("X-Sentry-Rate-Limits", "60:error:key");
    let Rig { transport, recorder, .. } = rig([Reply::Answer(limited)]);
    transport.send_envelope(Event::new().into());
    assert!(transport.flush(LONG));
    let client = Client::from(ClientOptions {
        dsn: "http://public@localhost/1".parse().ok(),
        transport: Some(Arc::new(Arc::new(transport))),
        ..ClientOptions::default()
    });
    let mut scope = Scope::default();
    scope.add_attachment(Attachment { buffer: vec![1; 10], filename: "a".into(), ..Attachment::default() });
    client.capture_event(Event::new(), Some(&scope));
    // At once, on this thread.
    let stats = recorder.stats();
    assert_eq!((stats.accepted, stats.dropped, stats.queued), (2, 1, 0));
}

#[test]
fn what_nobody_will_send_is_counted_when_its_transport_is_dropped() {
    let rig = rig([]);
    rig.transport.queue.shared().fail_worker();
    rig.send("one");
    let recorder = rig.recorder.clone();
    drop(rig);
    let stats = recorder.stats();
    assert_eq!((stats.accepted, stats.dropped, stats.queued), (1, 1, 0));
}

#[test]
fn a_flush_during_a_close_ends_with_it() {
    let rig = rig(vec![Reply::Hang; 50]);
    (0..50).for_each(|index| rig.send(&format!("{index}")));
    rig.sender.wait_for(16);
    let (stalls, start) = (ingest::Stalls::watch(), clock::instant());
    std::thread::scope(|scope| {
        scope.spawn(|| rig.transport.flush(LONG));
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            rig.transport.flush(LONG)
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(!rig.transport.shutdown(Duration::from_millis(200)));
    });
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1) + stalls.total(), "{took:?}");
    rig.settle();
    assert_eq!(rig.books(), [50, 0, 0, 50, 0]);
}

#[test]
fn captures_flushes_and_a_close_at_once_add_up() {
    for seed in 0..30 {
        let rig = rig((0..200).map(|index| answer([200, 400, 429, 413][(index + seed) % 4])));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for index in 0..100 {
                        rig.send("event");
                        rig.transport.send(log(index));
                        if index % 10 == 0 {
                            rig.transport.flush(Duration::from_millis(index as u64 % 7));
                        }
                    }
                });
            }
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(seed as u64));
                rig.transport.shutdown(Duration::from_millis(seed as u64 * 3))
            });
        });
        rig.transport.flush(LONG);
        rig.settle();
        let [accepted, delivered, limited, dropped, queued] = rig.books();
        assert_eq!((accepted, queued), (600, 0), "seed {seed}");
        assert_eq!(delivered + limited + dropped, 600, "seed {seed}");
    }
}
