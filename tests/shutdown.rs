//! The end of a program: wherever the guard is dropped, what is pending arrives, and a long wait is announced if that is
//! wanted.
//!
//! Each scenario is a process of its own, because what is under test is how a process ends. The test program runs itself
//! with the scenario's name in its environment.

use std::cell::RefCell;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use ingest::{Reply, Server};
use sentry::{ClientInitGuard, ClientOptions, Level};

const SCENARIO: &str = "SENTRY_TEST_SCENARIO";
const DSN: &str = "SENTRY_TEST_DSN";
/// Set where the server answers.
const ANSWERS: &str = "SENTRY_TEST_ANSWERS";

/// What a guard waits for a server that does not answer.
const TIMEOUT: Duration = Duration::from_millis(600);
/// What it waits for one that does, on a machine that may be busy.
const LONG: Duration = Duration::from_secs(20);
/// How often a wait may be long on such a machine.
const TRIES: usize = 5;

type Scenario = (&'static str, fn(String));

/// Where a guard can be dropped.
const PLACES: [Scenario; 7] = [
    ("at the end of main", |dsn| drop(pending(dsn))),
    ("twice", twice),
    ("thread-local of the main thread", |dsn| keep_in_thread_local(pending(dsn))),
    ("thread-local of a thread", |dsn| on_thread(|| keep_in_thread_local(pending(dsn)))),
    ("thread-local, with a report only", |dsn| on_thread(|| keep_in_thread_local(a_loss_only(dsn)))),
    ("tokio, current thread", |dsn| {
        block_on(tokio::runtime::Builder::new_current_thread(), async { drop(pending(dsn)) });
    }),
    ("tokio, multi thread", |dsn| {
        block_on(tokio::runtime::Builder::new_multi_thread(), async {
            let _ = tokio::spawn(async { drop(pending(dsn)) }).await;
        });
    }),
];

fn main() {
    if let (Some(scenario), Some(dsn)) = (variable(SCENARIO), variable(DSN)) {
        return play(&scenario, dsn);
    }
    let mut passed = 0;
    for (name, _) in PLACES {
        let mut announced = (0..TRIES).map(|_| arrives(name));
        assert!(announced.any(|announced| announced.is_empty()), "{name}: a short wait is nobody's business");

        let dead = Server::builder().otherwise(Reply::hang()).start();
        let (output, elapsed) = run(name, &dead, false);
        assert!(output.status.success(), "{name}: {output:?}");
        assert!(elapsed < TIMEOUT + Duration::from_secs(5), "{name}: {elapsed:?}");
        let expected = match name {
            "thread-local, with a report only" => vec![],
            _ => vec!["sentry: 3 events pending, waiting up to 0.6 s (Ctrl-C to quit)".to_owned()],
        };
        assert_eq!(announcements(&output), expected, "{name}");
        println!("{name}: ends in {elapsed:?} with a server that hangs");
        passed += 1;
    }
    for name in ["nothing pending", "not wanted"] {
        let dead = Server::builder().otherwise(Reply::hang()).start();
        let (output, _) = run(name, &dead, false);
        assert!(output.status.success(), "{name}: {output:?}");
        assert_eq!(announcements(&output), Vec::<String>::new(), "{name}");
        passed += 1;
    }
    println!("{passed} passed, 0 failed");
}

/// A server that answers gets everything. Returns what was announced.
fn arrives(name: &str) -> Vec<String> {
    let server = Server::start();
    let (output, _) = run(name, &server, true);
    assert!(output.status.success(), "{name}: {output:?}");
    match name {
        "thread-local, with a report only" => assert_eq!(server.items("client_report").len(), 1, "{name}"),
        _ => assert_eq!(server.events().len(), 4, "{name}"),
    }
    server.assert_clean();
    announcements(&output)
}

fn play(scenario: &str, dsn: String) {
    match scenario {
        "nothing pending" => drop(init(dsn, options())),
        "not wanted" => {
            let _guard = init(dsn, options().announce_shutdown(false));
            capture();
        }
        place => {
            let play = PLACES.iter().find(|(name, _)| *name == place).map(|(_, play)| play);
            play.expect("the scenario is known")(dsn);
        }
    }
}

fn options() -> ClientOptions {
    let timeout = if variable(ANSWERS).is_some() { LONG } else { TIMEOUT };
    ClientOptions::new().announce_shutdown(true).shutdown_timeout(timeout)
}

fn init(dsn: String, options: ClientOptions) -> ClientInitGuard {
    sentry::init((dsn, options))
}

fn capture() {
    (0..3).for_each(|n| _ = sentry::capture_message(&format!("event {n}"), Level::Info));
}

fn pending(dsn: String) -> ClientInitGuard {
    let guard = init(dsn, options());
    if variable(ANSWERS).is_some() {
        // The first event waits for more than the server: for a connection, and for what is known of the machine.
        sentry::capture_message("the first", Level::Info);
        assert!(guard.flush(Some(LONG)));
    }
    capture();
    guard
}

fn a_loss_only(dsn: String) -> ClientInitGuard {
    let guard = init(dsn, options().before_send(|_| None));
    capture();
    guard
}

fn twice(dsn: String) {
    let first = init(dsn.clone(), options());
    let second = pending(dsn);
    drop(first);
    let outer = sentry::Hub::current().client().expect("the second is in force");
    drop(second);
    assert!(outer.close(None) && outer.flush(None) && !outer.is_enabled());
}

fn keep_in_thread_local(guard: ClientInitGuard) {
    thread_local! { static GUARD: RefCell<Option<ClientInitGuard>> = const { RefCell::new(None) }; }
    GUARD.with(|slot| *slot.borrow_mut() = Some(guard));
}

fn on_thread(f: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, f).expect("a thread");
        thread.join().expect("it ends");
    });
}

fn block_on(mut builder: tokio::runtime::Builder, future: impl Future<Output = ()>) {
    builder.enable_all().build().expect("a runtime").block_on(future);
}

fn run(scenario: &str, server: &Server, answers: bool) -> (Output, Duration) {
    let program = std::env::current_exe().expect("a running program has a path");
    let begun = now();
    let output = Command::new(program)
        .env(SCENARIO, scenario)
        .env(DSN, server.dsn())
        .envs(answers.then_some((ANSWERS, "1")))
        .stderr(Stdio::piped())
        .output()
        .expect("the program starts");
    (output, begun.elapsed())
}

/// What the SDK wrote to standard error.
fn announcements(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().filter(|line| line.starts_with("sentry:")).map(str::to_owned).collect()
}

#[expect(clippy::disallowed_methods, reason = "a test measures with the clock of the system")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a test program, not the SDK")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
