//! The child: it hangs as it is told.

use std::hint::black_box;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use sentry::hang::{Heartbeat, Watchdog};

const TIMEOUT: Duration = Duration::from_millis(500);
/// Where the child answers as well: long enough that a busy machine does not keep it from that.
pub(crate) const PATIENT: Duration = Duration::from_secs(3);

pub(crate) fn run(dsn: &str, kind: &str) {
    if kind == "off" {
        return off();
    }
    let options = sentry::ClientOptions::new().dsn(dsn).release("hang@1");
    let guard = sentry::init(options);
    sentry::configure_scope(|scope| scope.set_tag("kind", kind));
    match kind {
        "twice" => twice(),
        "answers" => answers(),
        "stopped" => stopped(),
        "thread" => {
            let body = || {
                let watchdog = Watchdog::start(TIMEOUT);
                let _heartbeat = watchdog.thread();
                sleeps_for_good();
            };
            let body = sentry::Hub::wrap(body);
            let thread = std::thread::Builder::new().name("stock".into()).spawn(body).expect("a thread");
            let _ = thread.join();
        }
        "runtime" => runtime(tokio::runtime::Builder::new_current_thread().build().expect("a runtime"), 1),
        "runtimes" => runtime(tokio::runtime::Runtime::new().expect("a runtime"), 64),
        _ => {
            let watchdog = Watchdog::start(TIMEOUT);
            let _heartbeat = watchdog.thread();
            match kind {
                "sleep" => sleeps_for_good(),
                "spin" => spins_for_good(),
                _ => waits_for_a_lock(),
            }
        }
    }
    drop(guard);
}

#[inline(never)]
fn sleeps_for_good() {
    loop {
        std::thread::sleep(black_box(Duration::from_secs(60)));
    }
}

#[inline(never)]
fn spins_for_good() {
    let mut number = 1_u64;
    loop {
        number = black_box(number).wrapping_mul(3);
    }
}

#[inline(never)]
fn waits_for_a_lock() {
    static LOCK: Mutex<()> = Mutex::new(());
    let _held = LOCK.lock();
    let _never = black_box(&LOCK).lock();
}

/// Has answered first, then blocks all of its threads.
fn runtime(runtime: tokio::runtime::Runtime, threads: usize) {
    let watchdog = Watchdog::start(TIMEOUT);
    let (answered, answer) = mpsc::channel();
    let handle = runtime.handle().clone();
    watchdog.runtime("tokio", move |ping| {
        let answered = answered.clone();
        handle.spawn(async move {
            ping.await;
            let _ = answered.send(());
        });
    });
    runtime.block_on(async {
        while answer.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        for _ in 1..threads {
            tokio::spawn(async { sleeps_for_good() });
        }
        sleeps_for_good();
    });
}

/// Hangs, answers, and hangs again, until each was noticed.
fn twice() {
    let watchdog = Watchdog::start(PATIENT);
    let heartbeat = watchdog.thread();
    for count in 1..=2 {
        let captured =
            || sentry::Hub::current().client().is_some_and(|client| client.stats().accepted >= count);
        while !captured() {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Long enough for several looks.
        beat_for(&heartbeat, PATIENT);
    }
}

/// In every way there is to answer.
#[expect(clippy::mem_forget, reason = "as an application may do")]
fn answers() {
    let watchdog = Watchdog::start(Duration::from_secs(2));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let handle = runtime.handle().clone();
    watchdog.runtime("tokio", move |ping| _ = handle.spawn(ping));
    // A runtime that is gone does not hang.
    let short = tokio::runtime::Runtime::new().expect("a runtime");
    let handle = short.handle().clone();
    watchdog.runtime("short", move |ping| _ = handle.spawn(ping));
    std::thread::sleep(Duration::from_secs(1));
    short.shutdown_background();
    // Neither does a thread that is gone, nor one that was only watched for a while.
    let thread =
        std::thread::scope(|scope| scope.spawn(|| std::mem::forget(watchdog.thread())).join().is_ok());
    assert!(thread);
    drop(watchdog.thread());
    let heartbeat = watchdog.thread();
    beat_for(&heartbeat, Duration::from_secs(4));
    heartbeat.idle();
    std::thread::sleep(Duration::from_secs(4));
    heartbeat.beat();
    drop(watchdog);
    std::thread::sleep(Duration::from_secs(3));
    sentry::capture_message("the end", sentry::Level::Info);
}

/// Is stopped by others, at any moment.
fn stopped() {
    let watchdog = Watchdog::start(Duration::from_secs(2));
    let heartbeat = watchdog.thread();
    sentry::capture_message("the beginning", sentry::Level::Info);
    beat_for(&heartbeat, Duration::from_secs(14));
    sentry::capture_message("the end", sentry::Level::Info);
}

fn beat_for(heartbeat: &Heartbeat, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        heartbeat.beat();
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Without a client there is no thread; without a watchdog neither.
#[expect(clippy::mem_forget, reason = "the client is what ends it")]
fn off() {
    let watchdog = Watchdog::start(TIMEOUT);
    let heartbeat = watchdog.thread();
    watchdog.runtime("none", drop);
    heartbeat.beat();
    assert!(!threads().iter().any(|name| name == "sentry-hang"));
    {
        let options = sentry::ClientOptions::new().dsn("http://public@127.0.0.1:9/42");
        let _guard = sentry::init(options);
        assert!(!threads().iter().any(|name| name == "sentry-hang"));
        let _watchdog = Watchdog::start(TIMEOUT);
        wait_for(|| !cfg!(target_os = "linux") || threads().iter().any(|name| name == "sentry-hang"));
        drop(_watchdog);
        wait_for(|| !threads().iter().any(|name| name == "sentry-hang"));
        std::mem::forget(Watchdog::start(TIMEOUT));
    }
    // The client is closed.
    wait_for(|| !threads().iter().any(|name| name == "sentry-hang"));
}

fn wait_for(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", threads());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Their names.
fn threads() -> Vec<String> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    tasks.flatten().filter_map(name).map(|name| name.trim_end().to_owned()).collect()
}
