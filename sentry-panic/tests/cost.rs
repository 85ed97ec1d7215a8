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

/// The frames between a panic and whoever catches it are std's cost; those below are the hook's.
#[inline(never)]
fn throw() {
    let caught = std::panic::catch_unwind(|| std::panic::panic_any("thrown"));
    assert!(caught.is_err());
}

#[inline(never)]
fn throw_with_client() {
    throw();
}

/// From one place: elsewhere the same call would be another stack.
#[inline(never)]
fn three<R>(f: &dyn Fn() -> R) -> [R; 3] {
    let mut results = Vec::new();
    while results.len() < 3 {
        results.push(black_box(f)());
    }
    results.try_into().ok().unwrap()
}

#[test]
fn capturing_is_cheap_and_resolving_is_done_once() {
    let source = NativeStackSource::new();
    let first_capture = time(|| source.capture());
    let stack = std::cell::RefCell::new(source.capture());
    // Whoever resolves a stack learns how to walk it.
    let round = || {
        let capture = deep(25, &mut || best(1_000, || *stack.borrow_mut() = source.capture()));
        (capture, time(|| source.resolve(&stack.borrow(), None)))
    };
    let [(unknown_capture, first_resolve), _, (capture, _)] = three(&round);
    let stack = stack.into_inner();
    let warm_resolve = best(200, || source.resolve(&stack, None));
    let frames = source.resolve(&stack, None).map_or(0, |stacktrace| stacktrace.frames.len());
    let bare_resolve = best(200, || source.resolve(&stack, Some(clock::instant())));

    let queue = Arc::new(Queue::default());
    let hub = hub(&queue);
    // Ours in front of nothing: printing is not what is measured.
    std::panic::set_hook(Box::new(sentry_panic::panic_handler));
    let plain = deep(25, &mut || best(500, throw));
    let (first, rounds) = Hub::run(hub, || {
        let first = time(throw);
        let rounds = three(&|| {
            // What the worker does.
            let queue = std::mem::take(&mut *queue.0.lock().unwrap());
            queue.into_iter().take(2).for_each(|item| drop(item.finish()));
            deep(25, &mut || best(500, throw_with_client))
        });
        (first, rounds)
    });
    let [unknown, _, with] = rounds;
    assert_eq!(queue.0.lock().unwrap().len(), 500);

    println!("stack of {} addresses, {frames} frames", stack.addresses.len());
    println!("capture: first {first_capture:?}, then {unknown_capture:?}, and {capture:?} once it is known");
    println!("resolve: first {first_resolve:?}, then {warm_resolve:?}, without waiting {bare_resolve:?}");
    println!(
        "caught panic: {plain:?} without a client, first {first:?}, then {unknown:?}, \
         and {with:?} once its stack is known, with one"
    );
    assert!(capture < Duration::from_micros(500));
    assert!(warm_resolve < Duration::from_millis(10));
    assert!(with < Duration::from_millis(1));
}
