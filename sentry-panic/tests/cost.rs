//! What the capturing thread pays, printed and bounded generously. One test: it owns the panic hook of its process.
//!
//!     cargo test --release -p sentry-panic --test cost -- --nocapture
#![cfg(target_os = "linux")]

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sentry_core::protocol::Envelope;
use sentry_core::{Client, ClientOptions, Hub, Outbound, StackSource, Transport, TransportFactory, clock};
use sentry_panic::{NativeStackSource, PanicIntegration};

/// Keeps what it gets, unfinished, as the worker's queue would.
#[derive(Default)]
struct Queue(Mutex<Vec<Outbound>>);

impl Transport for Queue {
    fn send_envelope(&self, _envelope: Envelope) {}

    fn send(&self, outbound: Outbound) {
        self.0.lock().unwrap().push(outbound);
    }
}

fn hub(queue: &Arc<Queue>) -> Arc<Hub> {
    let factory: Arc<dyn TransportFactory> = Arc::new(Arc::clone(queue));
    let mut options = ClientOptions::new().add_integration(PanicIntegration::new());
    options.dsn = "https://public@sentry.invalid/1".parse().ok();
    options.transport = Some(factory);
    options.stack_source = Some(Arc::new(NativeStackSource::for_options(&options)));
    Arc::new(Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default()))
}

#[inline(never)]
fn deep<R>(levels: usize, f: &mut dyn FnMut() -> R) -> R {
    if levels == 0 { f() } else { black_box(deep(levels - 1, black_box(f))) }
}

fn time<R>(f: impl FnOnce() -> R) -> Duration {
    let start = clock::instant();
    black_box(f());
    start.elapsed()
}

fn best<R>(times: usize, mut f: impl FnMut() -> R) -> Duration {
    (0..times).map(|_| time(&mut f)).min().unwrap_or_default()
}

#[test]
fn capturing_is_cheap_and_resolving_is_done_once() {
    let source = NativeStackSource::new();
    let first_capture = time(|| source.capture());
    let mut stack = source.capture();
    let capture = deep(25, &mut || best(1_000, || stack = source.capture()));
    let first_resolve = time(|| source.resolve(&stack, None));
    let warm_resolve = best(200, || source.resolve(&stack, None));
    let frames = source.resolve(&stack, None).map_or(0, |stacktrace| stacktrace.frames.len());
    let bare_resolve = best(200, || source.resolve(&stack, Some(clock::instant())));

    let queue = Arc::new(Queue::default());
    let hub = hub(&queue);
    // Ours in front of nothing: printing is not what is measured.
    std::panic::set_hook(Box::new(sentry_panic::panic_handler));
    let throw = || {
        let caught = std::panic::catch_unwind(|| deep(25, &mut || std::panic::panic_any("thrown")));
        assert!(caught.is_err());
    };
    let plain = best(500, throw);
    let (first, with) = Hub::run(hub, || (time(throw), best(500, throw)));
    assert_eq!(queue.0.lock().unwrap().len(), 501);

    println!("stack of {} addresses, {frames} frames", stack.addresses.len());
    println!("capture: first {first_capture:?}, then {capture:?}");
    println!("resolve: first {first_resolve:?}, then {warm_resolve:?}, without waiting {bare_resolve:?}");
    println!("caught panic: {plain:?} without a client, first {first:?}, then {with:?} with one");
    assert!(capture < Duration::from_micros(500));
    assert!(warm_resolve < Duration::from_millis(10));
    assert!(with < Duration::from_millis(1));
}
