//! Crashes while the crashed thread holds locks of ours: the process goes on, or ends as it would have, and the crash arrives.
//!
//! Whatever holds a lock of ours also allocates or frees memory under it, or it holds nothing else. So a child has an allocator
//! of its own, which crashes on purpose at the n-th call of a thread that is inside an operation of the SDK, for each n and each
//! operation: one place after the other, until the operation is through without having reached the n-th.
//!
//! ```text
//! panic    caught within the allocator: its hook runs with all locks held that were held there; the operation goes on then
//! signal   with the feature `crash-handler`, a child for each place: SIGSEGV
//! ```
//!
//! `locks OPERATION [PLACE]` runs one of them. `SENTRY_TEST_LONG` dies at every place and not only at some.
#![expect(
    clippy::disallowed_methods,
    reason = "switches come through the environment, and real time is measured"
)]

mod allocator;
#[path = "../common/cache.rs"]
mod cache;
mod child;
mod operations;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use cache::Cache;
use ingest::Server;
use operations::OPERATIONS;

/// For what takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["child", "panic", operation, first] => return child::panics(operation, number(first)),
        ["child", "signal", operation, place, cache] => return child::dies(operation, number(place), cache),
        _ => {}
    }
    // What the harness would understand is not for us.
    let wanted = arguments.first().filter(|name| OPERATIONS.iter().any(|(known, _)| known == *name));
    let first = arguments.get(1).map_or(0, |place| number(place));
    let is_long = std::env::var_os("SENTRY_TEST_LONG").is_some();
    for (name, _) in OPERATIONS.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name)) {
        let begun = Instant::now();
        let places = panics(name, first);
        println!("{name:24} {places:5} places to panic at, {:?}", begun.elapsed());
        if cfg!(all(feature = "crash-handler", target_os = "linux")) {
            let begun = Instant::now();
            let step = if is_long { 1 } else { places.div_ceil(3).max(1) };
            let all = (first..places).step_by(usize::try_from(step).unwrap_or(1));
            let died = all.map(|place| dies(name, place)).count();
            println!("{name:24} {died:5} of them to die at, {:?}", begun.elapsed());
        }
    }
}

/// One child panics at all places. Tells how many there were.
fn panics(operation: &str, first: u64) -> u64 {
    let server = Server::start();
    let mut child = start(&["panic", operation, &first.to_string()], &server);
    let status = wait(&mut child);
    let mut text = String::new();
    let read = child.stdout.take().map(|mut out| out.read_to_string(&mut text));
    assert!(matches!(read, Some(Ok(_))), "{operation}: {read:?}");
    let last = text.lines().last().unwrap_or_default().to_owned();
    assert!(status.is_some_and(|status| status.success()), "{operation}: {status:?} at {last}");
    let said: Vec<u64> = last.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [panics, lost] = said[..] else { panic!("{operation}: {last}") };
    let of_places =
        |event: &&sentry::protocol::Value| event["exception"]["values"][0]["value"] == "at a place";
    let arrived = server.events().iter().filter(of_places).count() as u64;
    assert_eq!((arrived, lost), (panics, 0), "{operation}: every panic has arrived");
    panics
}

/// A child dies of a signal at a place, as it would without us, and the signal is reported once: by the child or by the next.
fn dies(operation: &str, place: u64) {
    let about = format!("{operation}, place {place}");
    let (server, cache) = (Server::start(), Cache::new("locks"));
    let place = place.to_string();
    let run = |operation: &str| {
        let mut child = start(&["signal", operation, &place, &cache.0.to_string_lossy()], &server);
        wait(&mut child).unwrap_or_else(|| panic!("{about}: {operation} hangs"))
    };
    assert_eq!(signal(run(operation)), Some(11), "{about}");
    // What the child could not send any more.
    assert!(run("nothing").success(), "{about}");
    let exception = |event: &sentry::protocol::Value| event["exception"]["values"][0]["type"].clone();
    let signals: BTreeSet<String> = server
        .events()
        .iter()
        .filter(|event| exception(event) == "SIGSEGV")
        .map(|event| event["event_id"].to_string())
        .collect();
    assert_eq!(signals.len(), 1, "{about}");
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

fn start(arguments: &[&str], server: &Server) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg("child").args(arguments).env("DSN", server.dsn()).stdout(Stdio::piped());
    command.spawn().expect("the child starts")
}

/// How it ended; `None`: it hung, and was ended.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("our child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}
