//! Panics of many kinds, each with the line that a person would point at: the newest frame shown must be that line, and
//! nothing of the runtime may look like the application.
//!
//! Without the test harness, because the main thread is one of the places.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Write;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::Builder;

use sentry_core::protocol::{Envelope, Frame};
use sentry_core::{Client, ClientOptions, Outbound, Transport, TransportFactory};
use sentry_panic::{NativeStackSource, PanicIntegration};

#[derive(Default)]
struct Queue(Mutex<Vec<Outbound>>);

impl Transport for Queue {
    fn send_envelope(&self, _envelope: Envelope) {}

    fn send(&self, outbound: Outbound) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(outbound);
    }
}

impl Queue {
    /// The frames of the only panic since the last call, oldest first.
    fn frames(&self, label: &str) -> Vec<Frame> {
        let mut items = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        assert_eq!(items.len(), 1, "{label}");
        let envelope = items.remove(0).finish();
        let exception = envelope.event().unwrap().exception.values[0].clone();
        exception.stacktrace.unwrap().frames
    }
}

/// A pool as the crates for parallel work have it: jobs in boxes, run by threads that wait for them.
struct Pool(Arc<(Mutex<VecDeque<Job>>, Condvar)>);

type Job = Box<dyn FnOnce() + Send>;

impl Pool {
    fn start() -> Self {
        let shared: Arc<(Mutex<VecDeque<Job>>, Condvar)> = Arc::default();
        let theirs = Arc::clone(&shared);
        let run = move || loop {
            let (jobs, news) = &*theirs;
            let mut jobs = news.wait_while(jobs.lock().unwrap(), |jobs| jobs.is_empty()).unwrap();
            let job = jobs.pop_front().unwrap();
            drop(jobs);
            let _ = catch_unwind(AssertUnwindSafe(job));
        };
        Builder::new().spawn(run).unwrap();
        Self(shared)
    }

    fn run(&self, job: impl FnOnce() + Send + 'static) {
        let done = Arc::new(());
        let theirs = Arc::clone(&done);
        self.0.0.lock().unwrap().push_back(Box::new(move || {
            let _until_the_end = theirs;
            job();
        }));
        self.0.1.notify_one();
        while Arc::strong_count(&done) > 1 {
            std::thread::yield_now();
        }
    }
}

struct Fuse;

impl Drop for Fuse {
    fn drop(&mut self) {
        panic!("in drop") // LABEL drop
    }
}

mod shop {
    use super::*;

    pub(crate) fn explicit() {
        panic!("explicit") // LABEL explicit
    }

    pub(crate) fn formatted() {
        panic!("formatted {}", black_box(1)) // LABEL formatted
    }

    pub(crate) fn any() {
        std::panic::panic_any(7) // LABEL any
    }

    pub(crate) fn resumed_by_assert() {
        assert!(black_box(false), "asserted"); // LABEL assert
    }

    pub(crate) fn not_equal() {
        assert_eq!(black_box(1), black_box(2)); // LABEL assert_eq
    }

    pub(crate) fn unreachable_code() {
        unreachable!() // LABEL unreachable
    }

    pub(crate) fn unwrap_none() {
        black_box(None::<u8>).unwrap(); // LABEL unwrap_none
    }

    pub(crate) fn expect_none() {
        black_box(None::<u8>).expect("there is one"); // LABEL expect_none
    }

    pub(crate) fn unwrap_err() {
        black_box("x").parse::<u8>().unwrap(); // LABEL unwrap_err
    }

    pub(crate) fn expect_err() {
        black_box("x").parse::<u8>().expect("a number"); // LABEL expect_err
    }

    pub(crate) fn index() {
        let list = black_box(vec![1, 2, 3]);
        black_box(list[black_box(7)]); // LABEL index
    }

    pub(crate) fn array_index() {
        let list = black_box([1, 2, 3]);
        black_box(list[black_box(7)]); // LABEL array_index
    }

    pub(crate) fn range() {
        let list = black_box(vec![1, 2, 3]);
        black_box(&list[black_box(2)..black_box(9)]); // LABEL range
    }

    pub(crate) fn string_range() {
        let text = black_box("é".to_owned());
        black_box(&text[black_box(1)..]); // LABEL string_range
    }

    pub(crate) fn map_index() {
        let map = black_box(std::collections::BTreeMap::from([(1, 2)]));
        black_box(map[&black_box(7)]); // LABEL map_index
    }

    pub(crate) fn copy() {
        let mut to = black_box([0_u8; 3]);
        to.copy_from_slice(&black_box(vec![1; 4])); // LABEL copy_from_slice
    }

    pub(crate) fn split() {
        black_box(black_box([0_u8; 3]).split_at(black_box(9))); // LABEL split_at
    }

    pub(crate) fn remove() {
        black_box(vec![1]).remove(black_box(4)); // LABEL vec_remove
    }

    pub(crate) fn borrow_twice() {
        let cell = black_box(RefCell::new(1));
        let _held = cell.borrow_mut();
        let _again = cell.borrow_mut(); // LABEL borrow_mut
    }

    pub(crate) fn overflow() {
        black_box(black_box(u8::MAX) + black_box(1)); // LABEL overflow
    }

    pub(crate) fn divide() {
        black_box(black_box(1) / black_box(0)); // LABEL divide
    }

    pub(crate) fn in_map() {
        let sum: u32 = black_box(vec![1, 2]).iter().map(|n| n / black_box(0)).sum(); // LABEL map
        black_box(sum);
    }

    pub(crate) fn in_for_each() {
        black_box(vec![1, 2]).into_iter().for_each(|n| {
            assert!(black_box(n) > 5, "small"); // LABEL for_each
        });
    }

    pub(crate) fn in_sort() {
        let mut list = black_box(vec![2, 1, 3]);
        list.sort_by(|_, _| panic!("in sort")); // LABEL sort_by
    }

    pub(crate) fn in_formatting() {
        struct Odd;
        impl std::fmt::Display for Odd {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("in fmt") // LABEL display
            }
        }
        let _ = write!(String::new(), "{}", black_box(Odd));
    }

    pub(crate) fn in_drop() {
        drop(black_box(Fuse));
    }

    pub(crate) async fn nested_future() {
        std::future::ready(()).await;
        black_box(None::<u8>).unwrap(); // LABEL async
    }
}

/// Label, and what panics at the line with it.
const CASES: &[(&str, fn())] = &[
    ("explicit", shop::explicit),
    ("formatted", shop::formatted),
    ("any", shop::any),
    ("assert", shop::resumed_by_assert),
    ("assert_eq", shop::not_equal),
    ("unreachable", shop::unreachable_code),
    ("unwrap_none", shop::unwrap_none),
    ("expect_none", shop::expect_none),
    ("unwrap_err", shop::unwrap_err),
    ("expect_err", shop::expect_err),
    ("index", shop::index),
    ("array_index", shop::array_index),
    ("range", shop::range),
    ("string_range", shop::string_range),
    ("map_index", shop::map_index),
    ("copy_from_slice", shop::copy),
    ("split_at", shop::split),
    ("vec_remove", shop::remove),
    ("borrow_mut", shop::borrow_twice),
    ("overflow", shop::overflow),
    ("divide", shop::divide),
    ("map", shop::in_map),
    ("for_each", shop::in_for_each),
    ("sort_by", shop::in_sort),
    ("display", shop::in_formatting),
    ("drop", shop::in_drop),
];

/// What nobody wants to see in a stack.
const RUNTIME: [&str; 8] = [
    "lang_start",
    "thread_start",
    "__rust_begin_short_backtrace",
    "rust_begin_unwind",
    "core::panicking",
    "std::panicking::panic",
    "sentry_",
    "__libc_start",
];

fn judge(place: &str, label: &str, frames: &[Frame], wrong: &mut Vec<String>) {
    let newest = frames.last().unwrap();
    let line = newest.context_line.as_deref().unwrap_or_default();
    if !line.ends_with(&format!("// LABEL {label}")) || newest.in_app != Some(true) {
        wrong.push(format!("{place} {label}: the newest frame is {:?} {line:?}", newest.function));
    }
    for frame in frames {
        let name = frame.function.as_deref().unwrap_or_default();
        let ours = frame.filename.as_deref() == Some("tests/labelled.rs");
        if frame.in_app != Some(ours) {
            wrong.push(format!("{place} {label}: in_app is {:?} for {name}", frame.in_app));
        }
        if RUNTIME.iter().any(|runtime| name.contains(runtime)) {
            wrong.push(format!("{place} {label}: {name} is shown"));
        }
    }
}

fn main() {
    // Source lines and names come from ELF files only, so far.
    if !cfg!(target_os = "linux") {
        return;
    }
    std::panic::set_hook(Box::new(|_| {}));
    let queue = Arc::new(Queue::default());
    let factory: Arc<dyn TransportFactory> = Arc::new(Arc::clone(&queue));
    let mut options = ClientOptions::new().add_integration(PanicIntegration::new());
    options.dsn = "https://public@sentry.invalid/1".parse().ok();
    options.transport = Some(factory);
    options.stack_source = Some(Arc::new(NativeStackSource::for_options(&options)));
    sentry_core::bind_process_client(Arc::new(Client::with_options(options)));

    let pool = Pool::start();
    let single = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut check = |place: &str, label: &str| {
        let frames = queue.frames(label);
        count += frames.len();
        judge(place, label, &frames, &mut wrong);
    };
    // Optimized builds wrap around instead.
    let panics = |label: &str| label != "overflow" || cfg!(debug_assertions);
    for (label, case) in CASES.iter().copied().filter(|(label, _)| panics(label)) {
        let _ = catch_unwind(case);
        check("main thread", label);
        let _ = Builder::new().spawn(case).unwrap().join();
        check("thread", label);
        pool.run(case);
        check("pool", label);
        let _ = single.block_on(single.spawn(async move { case() }));
        check("current thread", label);
        let _ = multi.block_on(multi.spawn(async move { case() }));
        check("multi thread", label);
        let _ = multi.block_on(multi.spawn_blocking(case));
        check("spawn_blocking", label);
    }
    for runtime in [&single, &multi] {
        let _ = runtime.block_on(runtime.spawn(shop::nested_future()));
        check("task", "async");
        let _ = catch_unwind(AssertUnwindSafe(|| runtime.block_on(shop::nested_future())));
        check("block_on", "async");
    }
    println!("{count} frames, {} wrong", wrong.len());
    let _ = std::panic::take_hook();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
