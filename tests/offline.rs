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
        Ok("drain") => return drain(),
        Ok("job") => return job(),
        _ => {}
    }
    // As the harness would print it.
    let tests: [(&str, fn()); 8] = [
        ("captured_with_the_network_down_delivered_by_the_next_start", network_down),
        ("a_program_that_runs_for_a_moment_sends_what_others_have_left", short_lives),
        ("what_others_have_left_holds_up_no_end", nobody_answers),
        ("a_run_of_a_job_begins_before_it_ends_also_from_the_disk", check_ins),
        ("a_panic_is_on_disk_before_the_process_can_die_of_it", panic_on_disk),
        ("four_processes_deliver_everything_once", four_processes),
        ("four_processes_deliver_once_what_was_on_disk", four_processes_offline),
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

fn drain() {
    let guard = sentry::init(options());
    let patience = now() + Duration::from_secs(120);
    let cache = PathBuf::from(std::env::var("CACHE").unwrap());
    while envelopes(&cache) > 0 && now() < patience {
        // Not too often: four of them that look all the time leave the workers none.
        std::thread::sleep(Duration::from_millis(100));
    }
    guard.flush(None);
}

fn job() {
    let _guard = sentry::init(options());
    for _ in 0..5 {
        let _: Result<(), ()> = sentry::with_monitor("nightly", || Err(()));
    }
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

/// Nothing waits for them, so they use the time of their end.
fn short_lives() {
    let cache = Cache::new("short");
    let server = Server::start();
    let dsn = server.dsn();
    server.refuse();
    cache.run("capture", &dsn, &[("COUNT", "10")]);
    server.resume();
    cache.run("capture", &dsn, &[("COUNT", "1"), ("TIMEOUT", "20000")]);
    let after_one = delivered(&server).len();
    assert!(after_one >= 6, "{after_one} of 11");
    server.refuse();
    cache.run("capture", &dsn, &[("COUNT", "2")]);
    server.resume();
    // Nor do programs that have nothing to say themselves.
    for _ in 0..2 {
        cache.run("capture", &dsn, &[("COUNT", "0"), ("TIMEOUT", "20000")]);
    }
    assert_eq!((delivered(&server).len(), cache.envelopes()), (13, 0));
    server.assert_clean();
}

/// Not even if there is an hour for the end.
fn nobody_answers() {
    let cache = Cache::new("nobody");
    let server = Server::builder().otherwise(Reply::hang()).start();
    server.refuse();
    cache.run("capture", &server.dsn(), &[("COUNT", "10")]);
    server.resume();
    let begun = now();
    cache.run("capture", &server.dsn(), &[("COUNT", "0"), ("TIMEOUT", "3600000")]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(cache.envelopes(), 10);
    assert!(server.log().attempts() > 0, "it was tried");
    server.allow_problems();
}

fn check_ins() {
    let cache = Cache::new("job");
    let server = Server::start();
    server.refuse();
    cache.run("job", &server.dsn(), &[]);
    assert_eq!(cache.envelopes(), 10);
    server.resume();
    cache.run("drain", &server.dsn(), &[]);
    let mut runs = BTreeMap::<String, Vec<String>>::new();
    for check_in in server.items("check_in").iter().map(|item| item.json()) {
        let text = |name: &str| check_in[name].as_str().unwrap().to_owned();
        runs.entry(text("check_in_id")).or_default().push(text("status"));
        assert!(check_in["contexts"]["trace"]["trace_id"].is_string(), "{check_in}");
    }
    assert_eq!(runs.len(), 5);
    assert!(runs.values().all(|run| *run == ["in_progress", "error"]), "{runs:?}");
    server.assert_clean();
}

fn panic_on_disk() {
    let cache = Cache::new("panic");
    cache.run("panic", &refused_dsn(), &[]);
    assert_eq!(cache.envelopes(), 1);
}

/// Events of each of four processes.
fn each() -> usize {
    if std::env::var_os("SENTRY_TEST_LONG").is_some() { 1_000 } else { 200 }
}

fn four(cache: &Cache, role: &str, dsn: &str, policy: &str) {
    let more = [("COUNT", &*each().to_string()), ("TIMEOUT", "20000"), ("POLICY", policy)];
    let children: Vec<_> = (0..4).map(|_| cache.start(role, dsn, &more)).collect();
    children.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
}

fn assert_each_once(server: &Server, cache: &Cache) {
    let delivered = delivered(server);
    assert_eq!(delivered.len(), 4 * each());
    assert!(delivered.values().all(|times| *times == 1), "{:?}", delivered.values().max());
    // Not even on the way to an answer.
    assert_eq!(server.events().len(), 4 * each());
    assert_eq!(cache.envelopes(), 0);
    server.assert_clean();
}

fn four_processes() {
    for policy in ["on-failure", "always"] {
        let cache = Cache::new("four");
        let server = Server::start();
        four(&cache, "capture", &server.dsn(), policy);
        // What a process could not send before its end, on a busy machine.
        four(&cache, "drain", &server.dsn(), policy);
        assert_each_once(&server, &cache);
    }
}

fn four_processes_offline() {
    for policy in ["on-failure", "always"] {
        let cache = Cache::new("four-offline");
        let server = Server::start();
        server.refuse();
        four(&cache, "capture", &server.dsn(), policy);
        assert_eq!(cache.envelopes(), 4 * each(), "all of it is on disk");
        server.resume();
        four(&cache, "drain", &server.dsn(), policy);
        assert_each_once(&server, &cache);
    }
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
