//! What events take while they wait: a burst of ten thousand fits the bound of the queue, and is charged as it is.
#![expect(unsafe_code, reason = "only an allocator knows what is really taken")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Mutex};

use sentry::protocol::{Breadcrumb, Event, Exception, User};
use sentry::{Client, ClientOptions, Envelope, Hub, Level, Outbound, Transport};

/// Bytes in use.
static TAKEN: AtomicIsize = AtomicIsize::new(0);

struct Counting;

/// What glibc takes for so many bytes.
fn chunk(bytes: usize) -> isize {
    ((bytes + 8).next_multiple_of(16).max(32)) as isize
}

// SAFETY: every call is passed on to the system allocator unchanged; counting touches an atomic only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(chunk(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(chunk(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        TAKEN.fetch_add(chunk(size) - chunk(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

/// A transport that never sends.
struct Waiting(Mutex<Vec<Outbound>>);

impl Transport for Waiting {
    fn send_envelope(&self, envelope: Envelope) {
        self.send(Outbound::from_envelope(envelope));
    }

    fn send(&self, outbound: Outbound) {
        self.0.lock().unwrap().push(outbound);
    }
}

/// What one of `EVENTS` captures is charged, and what it takes.
fn room(options: ClientOptions, setup: impl FnOnce(&Hub), capture: impl Fn(&Hub, usize)) -> (usize, usize) {
    const EVENTS: usize = 10_000;
    let waiting = Arc::new(Waiting(Mutex::new(Vec::with_capacity(EVENTS + 10))));
    let options = options.dsn("http://public@127.0.0.1:9/42").transport(Arc::clone(&waiting));
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(client), Arc::default()));
    setup(&hub);
    let taken = Hub::run(Arc::clone(&hub), || {
        // What is read once is read now.
        (0..10).for_each(|n| capture(&hub, n));
        let before = TAKEN.load(Ordering::Relaxed);
        (0..EVENTS).for_each(|n| capture(&hub, n));
        let taken = TAKEN.load(Ordering::Relaxed) - before;
        usize::try_from(taken).unwrap() / EVENTS + size_of::<Outbound>()
    });
    let waiting = waiting.0.lock().unwrap();
    let charged = waiting[10..].iter().map(Outbound::size_hint).sum::<usize>() / EVENTS;
    assert_eq!(waiting.len(), EVENTS + 10);
    assert!(charged * 10 > taken * 7 && charged * 10 < taken * 13, "charged {charged}, but takes {taken}");
    (charged, taken)
}

/// As applications set it up: a release, tags, and a callback that must see what is sent.
fn looked_at() -> ClientOptions {
    ClientOptions::new().release("shop@1.4.0").environment("production").before_send(Some)
}

fn tags(hub: &Hub) {
    hub.configure_scope(|scope| {
        scope.set_tag("region", "eu-central-1");
        scope.set_tag("tenant", "acme");
        scope.set_tag("queue", "payments");
    });
}

// One test: what another one allocates meanwhile would count as well.
#[test]
fn ten_thousand_events_fit_the_queue_and_are_charged_what_they_take() {
    const BOUND: usize = 8 << 20;
    let message = |hub: &Hub, n: usize| _ = hub.capture_message(&format!("order {n} was lost"), Level::Info);

    let (charged, taken) = room(looked_at(), tags, message);
    assert!(charged * 10_000 < BOUND && taken * 10_000 < BOUND, "{charged} {taken}");
    assert!(charged <= 750 && taken <= 750, "{charged} {taken}");

    let (charged, _) = room(ClientOptions::new(), tags, message);
    assert!(charged <= 400, "{charged}");

    let error =
        |hub: &Hub, n: usize| _ = hub.capture_error(&std::io::Error::other(format!("order {n} was lost")));
    let (charged, _) = room(looked_at(), tags, error);
    assert!(charged * 10_000 < 2 * BOUND, "{charged}");

    let crumbs = |hub: &Hub| {
        tags(hub);
        let crumb = || Breadcrumb {
            category: Some("http".into()),
            message: Some("GET /".into()),
            ..Breadcrumb::default()
        };
        (0..20).for_each(|_| hub.add_breadcrumb(crumb()));
        hub.configure_scope(|scope| {
            scope.set_user(Some(User { id: Some("4711".into()), ..User::default() }))
        });
    };
    room(looked_at(), crumbs, message);

    room(ClientOptions::new(), tags, |hub, n| {
        let exception =
            Exception { ty: "Lost".into(), value: Some(format!("order {n}")), ..Exception::default() };
        hub.capture_event(Event {
            exception: vec![exception].into(),
            extra: [("order".to_owned(), n.into()), ("customer".to_owned(), "acme".into())].into(),
            logger: Some("shop::orders".into()),
            ..Event::default()
        });
    });
}
