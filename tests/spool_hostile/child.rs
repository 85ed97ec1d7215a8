//! The process that starts on a hostile directory: what each step took it, on standard output.
//!
//! ```text
//! init MICROS
//! stalls MICROS       what the machine kept the process waiting meanwhile
//! panic MICROS        what the panic took its thread, cache directory and all
//! flush MICROS
//! memory KIB          the most it has taken
//! told LINE           a diagnostic
//! ```

use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ingest::Stalls;
use sentry::options::{CacheOptions, CachePolicy, FloodControl};
use sentry::{ClientOptions, Level};

use crate::now;

pub(crate) const MESSAGE: &str = "it goes on";
pub(crate) const PANIC: &str = "it goes on, in spite of a panic";

fn options(policy: &str, dsn: &str, cache: &str) -> ClientOptions {
    let policy = if policy == "always" { CachePolicy::Always } else { CachePolicy::OnFailure };
    let cache = CacheOptions {
        dir: Some(PathBuf::from(cache)),
        policy,
        pace: Duration::ZERO,
        ..CacheOptions::default()
    };
    ClientOptions::new()
        .dsn(dsn)
        .release("hostile@1.0.0")
        .cache(cache)
        .flood_control(FloodControl::off())
        .on_drop(|lost| say("dropped", format_args!("{lost:?}")))
        .shutdown_timeout(Duration::from_secs(2))
}

/// Starts, captures, ends. With a last argument it stays until the directory holds no envelope that can be sent.
pub(crate) fn start(arguments: &[&str]) {
    let [policy, dsn, cache, ref linger @ ..] = arguments[..] else {
        panic!("POLICY DSN CACHE: {arguments:?}")
    };
    std::panic::set_hook(Box::new(|_| {}));
    sentry::diagnostics::set_hook(Some(Arc::new(|_, line| say("told", line))));
    let (stalls, begin) = (Stalls::watch(), now());
    let guard = sentry::init(options(policy, dsn, cache));
    say("init", begin.elapsed().as_micros());
    say("stalls", stalls.total().as_micros());
    drop(stalls);
    sentry::capture_message(MESSAGE, Level::Error);
    let begin = now();
    let _ = std::panic::catch_unwind(|| panic!("{PANIC}"));
    say("panic", begin.elapsed().as_micros());
    let begin = now();
    guard.flush(Some(Duration::from_secs(5)));
    say("flush", begin.elapsed().as_micros());
    if let Some(millis) = linger.first() {
        // What was there before is sent in the background.
        std::thread::sleep(Duration::from_millis(millis.parse().expect("milliseconds")));
    }
    drop(guard);
    say("memory", memory());
}

/// Leaves envelopes behind.
pub(crate) fn leave(arguments: &[&str]) {
    let [dsn, cache, count] = arguments[..] else { panic!("DSN CACHE COUNT: {arguments:?}") };
    let guard = sentry::init(options("always", dsn, cache));
    for index in 0..count.parse().expect("a count") {
        sentry::capture_message(&format!("left {index}"), Level::Error);
    }
    drop(guard);
}

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn say(what: &str, value: impl fmt::Display) {
    let _ = std::io::stdout().lock().write_all(format!("{what} {value}\n").as_bytes());
}
