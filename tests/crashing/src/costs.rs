//! No crashes: what it costs to be ready for one.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use crate::announce::{Kind, kind};

/// What is known by a name.
pub(crate) fn find(name: &str) -> Option<Kind> {
    Some(match name {
        "cost" => kind!(cost),
        "idle" => kind!(idle),
        _ => return None,
    })
}

/// What the calls cost that a crash handler has to know about, in nanoseconds of this thread. For release builds.
fn cost() {
    const TIMES: u32 = 100_000;
    let measure = |name: &str, call: &dyn Fn(u32)| {
        let mut best = u64::MAX;
        for _ in 0..9 {
            let begun = spent();
            (0..TIMES).for_each(call);
            best = best.min(spent() - begun);
        }
        say(name, best as f64 / f64::from(TIMES));
    };
    measure("tag", &|number| sentry::configure_scope(|scope| scope.set_tag("number", number % 7)));
    measure("breadcrumb", &|_| sentry::add_breadcrumb(sentry::Breadcrumb::default()));
    measure("with_scope", &|_| sentry::with_scope(|_| (), || ()));
    let hub = std::sync::Arc::new(sentry::Hub::new_from_top(sentry::Hub::current()));
    measure("hub", &|_| sentry::Hub::run(std::sync::Arc::clone(&hub), || ()));
}

/// Does nothing, and tells how often the threads that wait for a crash were woken in the quietest of some seconds.
fn idle() {
    let mut least = u64::MAX;
    for _ in 0..10 {
        let before = switches();
        std::thread::sleep(Duration::from_secs(1));
        least = least.min(switches().saturating_sub(before));
        if least == 0 {
            break;
        }
    }
    say("threads", threads().count() as f64);
    say("switches", least as f64);
}

/// The nanoseconds that this thread has used.
fn spent() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to a value of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The descriptions of the crash handler's threads.
fn threads() -> impl Iterator<Item = String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let status = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    status.filter(|status| status.contains("sentry-crash") || status.contains("sentry-scope"))
}

fn switches() -> u64 {
    let number = |line: &str| line.split_once("ctxt_switches:")?.1.trim().parse::<u64>().ok();
    threads().map(|status| status.lines().filter_map(number).sum::<u64>()).sum()
}

fn say(name: &str, number: f64) {
    let _ = writeln!(std::io::stdout(), "{name}={number:.1}");
}
