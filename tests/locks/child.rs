//! The child: runs an operation again and again, and crashes one place later each time.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sentry::ClientOptions;
use sentry::options::FloodControl;

use crate::allocator;
use crate::operations::{self, OPERATIONS};

/// Where it is, for whoever looks at a child that hangs.
static PLACE: AtomicU64 = AtomicU64::new(0);

/// The last panic is one that is reported.
static SEEN: AtomicBool = AtomicBool::new(false);

/// More than any operation has.
const MOST: u64 = 20_000;

fn options() -> ClientOptions {
    ClientOptions::new()
        .dsn(&std::env::var("DSN").unwrap_or_default())
        .release("locks@1")
        .traces_sample_rate(1.0)
        .flood_control(FloodControl::off())
        .shutdown_timeout(Duration::from_secs(20))
}

/// Panics at all places of an operation from `first` on, each time caught on the spot. Says how many there were and how
/// many the SDK has lost.
pub(crate) fn panics(operation: &str, first: u64) {
    std::panic::set_hook(Box::new(|_| {}));
    let guard = sentry::init(options());
    sentry::configure_scope(|scope| scope.set_tag("crash", "none"));
    let run = find(operation);
    // What is only done once is done.
    run();
    watch();
    let mut panics = 0;
    for n in first + 1..MOST {
        PLACE.store(n, Ordering::Relaxed);
        if !allocator::crash_at(n, throw, run) {
            break;
        }
        panics += u64::from(SEEN.swap(false, Ordering::Relaxed));
        // The queue has room for a hundred.
        if n % 20 == 0 {
            settle();
            assert!(flush(), "at {n}");
        }
    }
    settle();
    assert!(flush());
    println!("{panics} {}", operations::lost());
    drop(guard);
}

/// Dies at a place of an operation. `nothing` sends what others have left.
pub(crate) fn dies(operation: &str, place: u64, cache: &str) {
    let guard = sentry::init(options().cache_dir(cache));
    if operation == "nothing" {
        return;
    }
    sentry::configure_scope(|scope| scope.set_tag("crash", "none"));
    let run = find(operation);
    run();
    allocator::crash_at(place + 1, fault, run);
    drop(guard);
}

fn find(operation: &str) -> fn() {
    OPERATIONS.iter().find(|(name, _)| *name == operation).expect("an operation").1
}

/// Waits for the threads that capture where this one held a lock: nobody else does.
fn settle() {
    let is_at_work = || {
        let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let mut names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
        names.any(|name| name.trim_end() == "sentry-panic")
    };
    for _ in 0..10_000 {
        if !is_at_work() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn flush() -> bool {
    sentry::Hub::current().client().is_none_or(|client| client.flush(Some(Duration::from_secs(30))))
}

/// What panics where the SDK has caught panics of others, as around a transport, is counted by it and reported by nobody.
fn throw() {
    SEEN.store(!sentry_core::is_suppressed(), Ordering::Relaxed);
    let caught = catch_unwind(AssertUnwindSafe(|| panic!("at a place")));
    assert!(caught.is_err());
}

#[expect(unsafe_code, reason = "crashes")]
fn fault() {
    // SAFETY: not at all.
    unsafe { std::hint::black_box(std::ptr::null_mut::<u8>()).write_volatile(1) };
}

/// Ends a process that gets nowhere, and says where it was.
fn watch() {
    let watch = || {
        let mut last = 0;
        loop {
            std::thread::sleep(Duration::from_secs(10));
            let now = PLACE.load(Ordering::Relaxed);
            if now == last {
                let _ = writeln!(std::io::stdout(), "stuck at place {now}");
                if std::env::var_os("STAY").is_none() {
                    std::process::abort();
                }
            }
            last = now;
        }
    };
    let _ = std::thread::Builder::new().name("watch".into()).spawn(watch);
}
