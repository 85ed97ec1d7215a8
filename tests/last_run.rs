//! How the last run ended: notes of crashes, the flush of a start after a crash at the start, and the tools of the spool.
//!
//! A program of its own: the children are this program with a role.
#![expect(
    clippy::disallowed_methods,
    reason = "roles are handed to children through the environment, and real time is measured"
)]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ingest::{Reply, Server, Stalls};
use sentry::options::{CacheOptions, Consent};
use sentry::{ClientOptions, Level, spool};

#[path = "../examples/offline.rs"]
#[expect(unreachable_pub, reason = "a program of its own")]
mod example;

const ROLE: &str = "SENTRY_TEST_ROLE";

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("example") => return example::main().unwrap(),
        Ok("report") => return report(),
        Ok("panic in main") => return panic_in_main(),
        Ok("panic in a thread") => return panic_in_a_thread(),
        Ok("panic and be killed") => return panic_and_be_killed(),
        Ok("panic and exit") => return panic_and_exit(),
        Ok("crash loop") => return crash_loop(),
        _ => {}
    }
    // As the harness would print it.
    let tests: [(&str, fn()); 10] = [
        ("the_first_run_and_one_after_a_good_end_know_of_no_crash", good_end),
        ("a_panic_that_ends_main_is_told_by_the_next_start_and_once", told_once),
        ("a_panic_that_was_survived_is_no_crash", survived),
        ("a_process_that_vanished_after_a_panic_has_crashed", vanished),
        ("it_is_told_although_the_event_was_delivered_meanwhile", delivered_meanwhile),
        ("a_program_that_dies_at_every_start_gets_its_crash_out", dies_at_every_start),
        ("a_start_waits_for_five_seconds_at_most", waits_no_longer),
        ("nothing_goes_ahead_of_consent", asks_first),
        ("without_a_cache_directory_nothing_is_known", unknown),
        ("the_example_loses_nothing", offline_example),
    ];
    for (name, test) in tests {
        let start = Instant::now();
        test();
        println!("test {name} ... ok, {:?}", start.elapsed());
    }
}

// ── the children ──

fn options() -> ClientOptions {
    let argument = |name: &str| std::env::var(name).ok();
    let cache = CacheOptions {
        dir: argument("CACHE").map(Into::into),
        pace: Duration::from_secs(30),
        ..CacheOptions::default()
    };
    let consent = if argument("ASKS").is_some() { Consent::Required } else { Consent::NotNeeded };
    ClientOptions::new()
        .dsn(&argument("DSN").unwrap())
        .consent(consent)
        .cache(cache)
        .shutdown_timeout(Duration::from_millis(
            argument("TIMEOUT").and_then(|millis| millis.parse().ok()).unwrap_or(200),
        ))
        .on_crashed_last_run(|run| {
            println!("callback {} {} {:?}", run.event_id, run.at_start, run.time.elapsed().is_ok());
            sentry::capture_message("from the callback", Level::Info);
        })
}

/// Starts, and says what it knows, how long that took, and how much of it the machine may have had it wait.
fn report() {
    let (stalls, begun) = (Stalls::watch(), Instant::now());
    let _guard = sentry::init(options());
    println!("init {}", begun.elapsed().as_millis());
    println!("stalls {}", stalls.total().as_millis());
    println!("crashed {:?}", sentry::crashed_last_run());
}

fn panic_in_main() {
    let _guard = sentry::init(options().shutdown_timeout(Duration::from_secs(10)));
    println!("crashed {:?}", sentry::crashed_last_run());
    panic!("in main");
}

fn panic_in_a_thread() {
    let _guard = sentry::init(options());
    let _ = std::thread::spawn(|| panic!("in a thread")).join();
}

fn panic_and_be_killed() {
    let guard = sentry::init(options());
    let _ = std::panic::catch_unwind(|| panic!("caught"));
    guard.flush(Some(Duration::from_secs(5)));
    kill();
}

/// A guard that is never dropped; the exit hook closes the client in its place.
#[expect(clippy::mem_forget, clippy::exit, reason = "under test")]
fn panic_and_exit() {
    std::mem::forget(sentry::init(options()));
    let _ = std::panic::catch_unwind(|| panic!("caught"));
    std::process::exit(0);
}

/// Dies so soon after its start that nothing can be sent in time.
fn crash_loop() {
    let _guard = sentry::init(options());
    let _ = std::panic::catch_unwind(|| panic!("at every start"));
    kill();
}

fn kill() {
    let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    std::thread::sleep(Duration::from_secs(10));
}

// ── the parent ──

/// A directory of its own, gone with the test.
struct Cache(PathBuf);

impl Cache {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-last-run-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn command(&self, role: &str, dsn: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(ROLE, role).env("DSN", dsn).env("CACHE", &self.0).stdout(Stdio::piped());
        command.stderr(if std::env::var_os("SHOW").is_some() { Stdio::inherit() } else { Stdio::null() });
        command
    }

    fn start(&self, role: &str, dsn: &str) -> Child {
        self.command(role, dsn).spawn().unwrap()
    }

    fn run(&self, role: &str, dsn: &str) -> Said {
        Said::of(self.command(role, dsn).output().unwrap())
    }

    fn waiting(&self) -> usize {
        spool::list(&self.0).map_or(0, |entries| entries.len())
    }

    fn has_notes(&self) -> bool {
        let homes = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let crashes = homes.map(|home| home.path().join("crashes"));
        crashes.filter_map(|crashes| std::fs::read_dir(crashes).ok()).any(|mut notes| notes.next().is_some())
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a child said.
#[derive(Debug)]
struct Said(String);

impl Said {
    fn of(output: Output) -> Self {
        Self(String::from_utf8(output.stdout).unwrap())
    }

    fn line(&self, word: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
    }

    fn init(&self) -> Duration {
        self.millis("init")
    }

    /// Whether the start took less than `limit`, on a machine that does nothing else.
    fn starts_within(&self, limit: Duration) -> bool {
        self.init() < limit + self.millis("stalls")
    }

    fn millis(&self, word: &str) -> Duration {
        Duration::from_millis(self.line(word).unwrap().parse().unwrap())
    }

    fn crashed(&self) -> Option<bool> {
        match self.line("crashed").unwrap() {
            "Some(true)" => Some(true),
            "Some(false)" => Some(false),
            _ => None,
        }
    }
}

fn refused_dsn() -> String {
    format!("http://public@{}/42", ingest::refused_addr())
}

fn good_end() {
    let cache = Cache::new("good");
    let server = Server::start();
    for _ in 0..2 {
        let said = cache.run("report", &server.dsn());
        assert_eq!(said.crashed(), Some(false), "{said:?}");
        assert_eq!(said.line("callback"), None);
        assert!(!cache.has_notes());
    }
}

fn told_once() {
    let cache = Cache::new("once");
    let server = Server::start();
    cache.run("panic in main", &server.dsn());
    let id = server.accepted_events()[0]["event_id"].as_str().unwrap().to_owned();
    let mut command = cache.command("report", &server.dsn());
    let said = Said::of(command.env("TIMEOUT", "10000").output().unwrap());
    assert_eq!(said.crashed(), Some(true), "{said:?}");
    let callback = said.line("callback").unwrap().replace('-', "");
    assert_eq!(callback, format!("{id} true true"));
    let _ = server.wait_for_events(2, Duration::from_secs(10));
    assert_eq!(server.accepted_events()[1]["message"], "from the callback", "it may capture");
    let said = cache.run("report", &server.dsn());
    assert_eq!((said.crashed(), said.line("callback")), (Some(false), None));
    assert!(!cache.has_notes());
}

fn survived() {
    let cache = Cache::new("survived");
    let server = Server::start();
    for role in ["panic in a thread", "panic and exit"] {
        cache.run(role, &server.dsn());
        let said = cache.run("report", &server.dsn());
        assert_eq!(said.crashed(), Some(false), "{role}: {said:?}");
    }
}

fn vanished() {
    let cache = Cache::new("vanished");
    let server = Server::start();
    let mut living = cache.start("panic and be killed", &server.dsn());
    let _ = server.wait_for_events(1, Duration::from_secs(10));
    living.wait().unwrap();
    assert_eq!(cache.run("report", &server.dsn()).crashed(), Some(true));
}

fn delivered_meanwhile() {
    let cache = Cache::new("meanwhile");
    let server = Server::start();
    cache.run("panic in main", &server.dsn());
    let _ = server.wait_for_events(1, Duration::from_secs(10));
    assert_eq!(cache.waiting(), 0);
    let said = cache.run("report", &server.dsn());
    assert_eq!(said.crashed(), Some(true));
    assert!(said.starts_within(Duration::from_millis(500)), "there is nothing to wait for: {said:?}");
}

/// Each start sends what the one before it has left, although each is killed before its worker can have done much, and
/// although the pace is 30 seconds.
fn dies_at_every_start() {
    let cache = Cache::new("loop");
    let server = Server::builder().latency(Duration::from_millis(150)).start();
    for _ in 0..4 {
        cache.run("crash loop", &server.dsn());
    }
    let arrived = server.accepted_events().len();
    assert!(arrived >= 3, "{arrived} have arrived");
    let left = spool::list(&cache.0).unwrap();
    assert!(left.len() <= 2, "{left:?}");
    assert_eq!(cache.run("report", &server.dsn()).crashed(), Some(true));
    server.allow_problems();
}

fn waits_no_longer() {
    let cache = Cache::new("longer");
    let refused = refused_dsn();
    cache.run("crash loop", &refused);
    assert_eq!(cache.waiting(), 1);
    let server = Server::builder().otherwise(Reply::hang()).start();
    // Another address is another project as far as the directory is concerned.
    let said = cache.run("report", &server.dsn());
    assert!(said.starts_within(Duration::from_millis(500)), "{said:?}");
    assert_eq!(said.crashed(), Some(false));

    // Nobody is waited for who refuses.
    let said = cache.run("report", &refused);
    assert!(said.starts_within(Duration::from_millis(2_500)), "{said:?}");
    assert_eq!(said.crashed(), Some(true), "{said:?}");

    let cache = Cache::new("hangs");
    server.refuse();
    cache.run("crash loop", &server.dsn());
    server.resume();
    let said = cache.run("report", &server.dsn());
    assert!(said.init() >= Duration::from_millis(4_900), "{said:?}");
    assert!(said.starts_within(Duration::from_millis(5_600)), "{said:?}");
    assert!(cache.waiting() >= 1, "it is still there");
    assert_eq!(cache.run("report", &server.dsn()).crashed(), Some(false), "waited for once");
    server.allow_problems();
}

fn asks_first() {
    let cache = Cache::new("asks");
    let server = Server::builder().otherwise(Reply::hang()).start();
    server.refuse();
    cache.run("crash loop", &server.dsn());
    server.resume();
    let mut command = cache.command("report", &server.dsn());
    let said = Said::of(command.env("ASKS", "1").output().unwrap());
    assert!(said.starts_within(Duration::from_secs(2)), "there was nothing to wait for: {said:?}");
    assert_eq!(said.crashed(), Some(true));
    server.allow_problems();
}

fn unknown() {
    let server = Server::start();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let command = command.env(ROLE, "report").env("DSN", server.dsn()).env_remove("CACHE");
    let said = Said::of(command.output().unwrap());
    assert_eq!((said.crashed(), said.line("callback")), (None, None));
}

fn offline_example() {
    let output = Command::new(std::env::current_exe().unwrap()).env(ROLE, "example").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    for part in [
        "crashed last run: Some(false)",
        "crash ",
        "the disk is on fire",
        "error ",
        "invalid float literal",
        "the last run crashed",
        "crashed last run: Some(true)",
        "2 events have arrived",
        "left in the cache directory: 0",
    ] {
        assert!(text.contains(part), "{part} in:\n{text}\n{errors}");
    }
}
