//! The processes that are killed: they capture, by chance, and tell what they have captured on standard output.
//!
//! ```text
//! captured ID         accepted; in memory, for all it knows
//! spooled ID          a panic was captured: it is on disk when the hook has returned
//! dropped REASON      counted as lost
//! told LINE           a diagnostic
//! ```

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sentry::options::{CacheOptions, CachePolicy, FloodControl};
use sentry::{ClientOptions, Level};

use crate::disk;
use crate::mark::Mark;
use crate::now;
use crate::random::{Random, mix};

/// How one child is started.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) seed: u64,
    pub(crate) is_always: bool,
    pub(crate) dsn: String,
    pub(crate) cache: std::path::PathBuf,
}

impl Order {
    /// The arguments of the process.
    pub(crate) fn arguments(&self, role: &str) -> Vec<String> {
        let policy = if self.is_always { "always" } else { "on-failure" };
        let cache = self.cache.to_string_lossy().into_owned();
        vec![role.into(), self.seed.to_string(), policy.into(), self.dsn.clone(), cache]
    }

    pub(crate) fn read(arguments: &[&str]) -> Self {
        let [seed, policy, dsn, cache] = arguments[..] else {
            panic!("SEED POLICY DSN CACHE: {arguments:?}")
        };
        Self {
            seed: seed.parse().expect("a seed"),
            is_always: policy == "always",
            dsn: dsn.into(),
            cache: cache.into(),
        }
    }

    /// By this the server tells processes apart, whoever captured what they send.
    pub(crate) fn user_agent(&self) -> String {
        format!("kills/{:016x}", self.seed)
    }

    fn options(&self) -> ClientOptions {
        let policy = if self.is_always { CachePolicy::Always } else { CachePolicy::OnFailure };
        let cache = CacheOptions {
            dir: Some(self.cache.clone()),
            policy,
            pace: Duration::ZERO,
            ..CacheOptions::default()
        };
        ClientOptions::new()
            .dsn(&self.dsn)
            .release("kills@1.0.0")
            .auto_session_tracking(true)
            .user_agent(self.user_agent())
            .flood_control(FloodControl::off())
            .cache(cache)
            .on_drop(|lost| say("dropped", format_args!("{:?} {:?}", lost.reason, lost.category)))
            .shutdown_timeout(Duration::from_millis(200))
    }
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Captures on one to three threads: one in three ends in good order after a while, the others go on for ever.
pub(crate) fn capture(order: &Order) {
    std::panic::set_hook(Box::new(|_| {}));
    tell_diagnostics();
    let _guard = sentry::init(order.options());
    let mut random = Random::new(order.seed);
    let end = random.percent(35).then(|| now() + random.millis(150));
    for thread in 1..random.below(3) + 1 {
        let seed = order.seed;
        std::thread::spawn(move || capture_some(Random::new(mix(seed ^ thread)), seed, None, false));
    }
    capture_some(random, order.seed, end, true);
}

fn capture_some(mut random: Random, seed: u64, end: Option<Instant>, is_main: bool) {
    while end.is_none_or(|end| now() < end) {
        for _ in 0..random.below(10) + 1 {
            capture_one(Mark { seed, number: NUMBER.fetch_add(1, Ordering::Relaxed) }, &mut random, is_main);
        }
        std::thread::sleep(random.millis(10));
    }
}

fn capture_one(mark: Mark, random: &mut Random, is_main: bool) {
    let kind = random.below(1_000);
    let what = sentry::with_scope(
        |scope| scope.set_extra("blob", mark.blob().into()),
        || match kind {
            0..700 => {
                sentry::capture_message(&mark.text(), Level::Error);
                "captured"
            }
            700..900 => {
                sentry::capture_error(&Failure(mark));
                "captured"
            }
            _ => {
                let _ = std::panic::catch_unwind(|| panic!("{}", mark.text()));
                "spooled"
            }
        },
    );
    if let Some(id) = sentry::last_event_id() {
        say(what, id.simple());
    }
    if is_main && kind >= 998 {
        // The end: the guard flushes while it unwinds.
        let mark = Mark { number: NUMBER.fetch_add(1, Ordering::Relaxed), ..mark };
        sentry::configure_scope(|scope| scope.set_extra("blob", mark.blob().into()));
        panic!("{}", mark.text());
    }
}

#[derive(Debug)]
struct Failure(Mark);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text())
    }
}

impl std::error::Error for Failure {}

fn tell_diagnostics() {
    sentry::diagnostics::set_hook(Some(Arc::new(|_, line| say("told", line))));
}

/// One write for one line: a kill leaves none half written.
fn say(what: &str, id: impl fmt::Display) {
    let _ = std::io::stdout().lock().write_all(format!("{what} {id}\n").as_bytes());
}

/// Sends what is there, until nothing is left or half a minute is over.
pub(crate) fn drain(order: &Order) {
    tell_diagnostics();
    // A session of its own would keep an envelope there, to be told should it vanish.
    let guard = sentry::init(order.options().auto_session_tracking(false));
    let start = now();
    // Who ends while its lock is being made leaves that behind, for the next one.
    let is_done = || disk::has_lock(&order.cache) && disk::remains(&order.cache).is_empty();
    while !is_done() && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    guard.flush(None);
}
