//! What is captured survives the process: children that are killed, servers that are away.
//!
//! A program of its own: the children are this program with a role.
#![expect(
    clippy::disallowed_methods,
    reason = "roles are handed to children through the environment, and real time is measured"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ingest::{Reply, Server};
use sentry::options::{CacheOptions, CachePolicy};
use sentry::{ClientOptions, Level};

const ROLE: &str = "SENTRY_TEST_ROLE";

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("capture") => return capture(),
        Ok("panic") => return panics(),
        Ok("endless") => return endless(),
        Ok("drain") => return drain(),
        _ => {}
    }
    // As the harness would print it.
    let tests: [(&str, fn()); 5] = [
        ("captured_with_the_network_down_delivered_by_the_next_start", network_down),
        ("a_panic_is_on_disk_before_the_process_can_die_of_it", panic_on_disk),
        ("processes_share_a_directory_and_deliver_everything_once", four_processes),
        ("killed_at_any_moment_nothing_spooled_is_lost", killed),
        ("a_directory_that_cannot_be_used_costs_nothing_but_itself", unusable),
    ];
    for (name, test) in tests {
        let start = now();
        test();
        println!("test {name} ... ok, {:?}", start.elapsed());
    }
}

// ── the children ──

fn options() -> ClientOptions {
    let argument = |name: &str| std::env::var(name).unwrap_or_default();
    let policy = if argument("POLICY") == "always" { CachePolicy::Always } else { CachePolicy::OnFailure };
    let cache = CacheOptions {
        dir: Some(argument("CACHE").into()),
        policy,
        pace: Duration::from_millis(argument("PACE").parse().unwrap_or(0)),
        ..CacheOptions::default()
    };
    ClientOptions::new()
        .dsn(&argument("DSN"))
        .cache(cache)
        .shutdown_timeout(Duration::from_millis(argument("TIMEOUT").parse().unwrap_or(500)))
}

fn capture() {
    let _guard = sentry::init(options().on_drop(|lost| eprintln!("{lost:?}")));
    let count: usize = std::env::var("COUNT").unwrap().parse().unwrap();
    for index in 0..count {
        sentry::capture_message(&format!("{} {index}", std::process::id()), Level::Error);
    }
}

fn panics() {
    let _guard = sentry::init(options());
    let _ = std::panic::catch_unwind(|| panic!("on disk before anything else"));
    // Nothing runs after this: no guard, no exit hook.
    let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
}

/// Captures for ever, and says what it has captured before it goes on: that is what must not be lost with `always`.
fn endless() {
    let _guard = sentry::init(options());
    for index in 0.. {
        sentry::capture_message(&format!("{} {index}", std::process::id()), Level::Error);
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn drain() {
    let guard = sentry::init(options());
    let patience = now() + Duration::from_secs(20);
    let cache = PathBuf::from(std::env::var("CACHE").unwrap());
    while envelopes(&cache) > 0 && now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    guard.flush(None);
}

// ── the parent ──

fn now() -> Instant {
    Instant::now()
}

/// A directory of its own, gone with the test.
struct Cache(PathBuf);

impl Cache {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-offline-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn start(&self, role: &str, dsn: &str, more: &[(&str, &str)]) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env(ROLE, role)
            .env("DSN", dsn)
            .env("CACHE", &self.0)
            .stderr(if std::env::var_os("SHOW").is_some() { Stdio::inherit() } else { Stdio::null() });
        command.envs(more.iter().copied()).spawn().unwrap()
    }

    fn run(&self, role: &str, dsn: &str, more: &[(&str, &str)]) {
        self.start(role, dsn, more).wait().unwrap();
    }

    fn envelopes(&self) -> usize {
        envelopes(&self.0)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How many envelopes lie below, what was set aside included.
fn envelopes(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let count = |path: PathBuf| match path.is_dir() {
        true => envelopes(&path),
        false => usize::from(path.extension().is_some_and(|extension| extension == "env")),
    };
    entries.flatten().map(|entry| count(entry.path())).sum()
}

fn refused_dsn() -> String {
    format!("http://public@{}/42", ingest::refused_addr())
}

fn delivered(server: &Server) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for event in server.accepted_events() {
        *times.entry(event["message"].as_str().unwrap_or("panic").to_owned()).or_default() += 1;
    }
    times
}

fn network_down() {
    let cache = Cache::new("down");
    let server = Server::start();
    let dsn = server.dsn();
    server.refuse();
    cache.run("capture", &dsn, &[("COUNT", "50")]);
    assert_eq!(cache.envelopes(), 50, "all of it is on disk when the process has ended");
    server.resume();
    cache.run("drain", &dsn, &[]);
    let delivered = delivered(&server);
    assert_eq!(delivered.len(), 50);
    assert!(delivered.values().all(|times| *times == 1));
    assert_eq!(cache.envelopes(), 0);
    server.assert_clean();
}

fn panic_on_disk() {
    let cache = Cache::new("panic");
    cache.run("panic", &refused_dsn(), &[]);
    assert_eq!(cache.envelopes(), 1);
}

fn four_processes() {
    let cache = Cache::new("four");
    let server = Server::start();
    let dsn = server.dsn();
    let each = if std::env::var_os("SENTRY_TEST_LONG").is_some() { "1000" } else { "200" };
    server.otherwise(Reply::hang());
    let children: Vec<_> =
        (0..4).map(|_| cache.start("capture", &dsn, &[("COUNT", each), ("TIMEOUT", "4000")])).collect();
    children.into_iter().for_each(|mut child| _ = child.wait());
    let count: usize = each.parse().unwrap();
    assert_eq!(cache.envelopes(), 4 * count);
    server.otherwise(Reply::ok());
    let children: Vec<_> = (0..4).map(|_| cache.start("drain", &dsn, &[])).collect();
    children.into_iter().for_each(|mut child| _ = child.wait());
    let delivered = delivered(&server);
    assert_eq!(delivered.len(), 4 * count);
    // Those that hung had arrived once already.
    assert!(delivered.values().all(|times| *times <= 2), "{:?}", delivered.values().max());
    server.allow_problems();
}

fn killed() {
    let rounds = if std::env::var_os("SENTRY_TEST_LONG").is_some() { 300 } else { 12 };
    let cache = Cache::new("killed");
    let server = Server::builder().latency(Duration::from_millis(3)).start();
    let dsn = server.dsn();
    server.mix([(0.05, Reply::reset()), (0.05, Reply::close_after_body())]);
    let mut seed = 0x5eed_u64;
    for round in 0..rounds {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let mut child = cache.start("endless", &dsn, &[("POLICY", "always")]);
        std::thread::sleep(Duration::from_millis(40 + seed % 120));
        child.kill().unwrap();
        child.wait().unwrap();
        if round % 4 == 3 {
            server.mix([]);
            cache.run("drain", &dsn, &[]);
            assert_eq!(cache.envelopes(), 0, "round {round}");
            server.mix([(0.05, Reply::reset()), (0.05, Reply::close_after_body())]);
        }
    }
    server.mix([]);
    cache.run("drain", &dsn, &[]);
    assert_eq!(cache.envelopes(), 0);
    // What a process has captured, it has captured in a row: nothing between two events that arrived is missing, but for
    // what was in memory, not yet written, when it was killed, which is at the end.
    let mut by_process: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let delivered = delivered(&server);
    for message in delivered.keys() {
        let (process, index) = message.split_once(' ').unwrap();
        by_process.entry(process.to_owned()).or_default().push(index.parse().unwrap());
    }
    let mut missing = 0;
    for indices in by_process.values_mut() {
        indices.sort_unstable();
        missing += indices.last().unwrap() + 1 - indices.len();
    }
    let twice = delivered.values().filter(|times| **times > 1).count();
    println!(
        "{rounds} kills: {} processes, {} events, {twice} of them more than once, {missing} missing before the last",
        by_process.len(),
        delivered.len()
    );
    assert!(by_process.len() >= rounds / 2);
    // One worker writes in order; only what was handed to the wire before it was written could be missing.
    assert_eq!(missing, 0);
    server.allow_problems();
}

fn unusable() {
    let cache = Cache::new("unusable");
    std::fs::write(&cache.0, "a file").unwrap();
    let server = Server::start();
    let dsn = server.dsn();
    cache.run("capture", &dsn, &[("COUNT", "5")]);
    assert_eq!(delivered(&server).len(), 5);
    std::fs::remove_file(&cache.0).unwrap();
}
