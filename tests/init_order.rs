//! Whatever the order of `init` and of the first use of the SDK on a thread: every thread's events arrive.
//!
//! Each scenario is a process of its own, because what is under test belongs to the process. The test program runs itself with
//! the scenario's name in its environment.

use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use ingest::Server;
use sentry::{Breadcrumb, Level};

const SCENARIO: &str = "SENTRY_TEST_SCENARIO";
const DSN: &str = "SENTRY_TEST_DSN";

type Scenario = (&'static str, fn(&str));

const SCENARIOS: [Scenario; 5] = [
    ("main thread first", main_thread_first),
    ("worker first", worker_first),
    ("tokio main, worker first", tokio_main),
    ("init on another thread", init_elsewhere),
    ("init in a library, twice", init_twice),
];

fn main() {
    if let (Some(scenario), Some(dsn)) = (variable(SCENARIO), variable(DSN)) {
        let run = SCENARIOS.iter().find(|(name, _)| *name == scenario).map(|(_, run)| run);
        return run.into_iter().for_each(|run| run(&dsn));
    }
    for (name, _) in SCENARIOS {
        let server = Server::start();
        let program = std::env::current_exe().expect("a running program has a path");
        let status = Command::new(program).env(SCENARIO, name).env(DSN, server.dsn()).status();
        assert!(status.expect("the program starts").success(), "{name}");
        let mut messages: Vec<_> = server
            .events()
            .iter()
            .map(|event| event["message"].as_str().unwrap_or_default().to_owned())
            .collect();
        messages.sort();
        assert_eq!(messages, ["main", "spawned", "worker"], "{name}");
        if name == "worker first" {
            for event in server.events() {
                let setter = if event["message"] == "worker" { "worker" } else { "main" };
                assert_eq!(event["tags"]["set_by"], setter, "the main hub is not that of whoever came first");
            }
        }
        server.assert_clean();
        println!("{name}: 3 of 3 events arrived");
    }
    println!("{} passed, 0 failed", SCENARIOS.len());
}

fn main_thread_first(dsn: &str) {
    let _guard = sentry::init(dsn);
    capture("main");
    on_thread(|| capture("worker"));
    on_thread(|| capture("spawned"));
}

fn worker_first(dsn: &str) {
    let worker = Worker::start();
    worker.run(|| {
        touch();
        sentry::Hub::current().configure_scope(|scope| scope.set_tag("set_by", "worker"));
    });
    let _guard = sentry::init(dsn);
    sentry::configure_scope(|scope| scope.set_tag("set_by", "main"));
    capture("main");
    worker.run(|| capture("worker"));
    on_thread(|| capture("spawned"));
}

fn tokio_main(dsn: &str) {
    let dsn = dsn.to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let _ = tokio::spawn(async { touch() }).await;
        let _ = tokio::task::spawn_blocking(touch).await;
        let _guard = sentry::init(dsn);
        capture("main");
        let _ = tokio::spawn(async { capture("spawned") }).await;
        let _ = tokio::task::spawn_blocking(|| capture("worker")).await;
    });
}

fn init_elsewhere(dsn: &str) {
    touch();
    let dsn = dsn.to_owned();
    let (ready, is_ready) = mpsc::channel();
    let (stop, stopped) = mpsc::channel::<()>();
    let owner = std::thread::Builder::new()
        .spawn(move || {
            let _guard = sentry::init(dsn);
            capture("worker");
            ready.send(()).expect("the main thread waits");
            let _ = stopped.recv_timeout(Duration::from_secs(20));
        })
        .expect("a thread");
    is_ready.recv().expect("init returned");
    capture("main");
    on_thread(|| capture("spawned"));
    drop(stop);
    owner.join().expect("the owner ends");
}

fn init_twice(dsn: &str) {
    let library = sentry::init("http://library@127.0.0.1:9/1");
    let worker = Worker::start();
    worker.run(touch);
    let _guard = sentry::init(dsn);
    capture("main");
    worker.run(|| capture("worker"));
    on_thread(|| capture("spawned"));
    drop(library);
}

fn touch() {
    sentry::add_breadcrumb(Breadcrumb::default());
    let _ = sentry::Hub::current();
}

fn capture(message: &str) {
    sentry::capture_message(message, Level::Info);
}

fn on_thread(f: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().spawn(f).expect("a thread").join().expect("it ends");
}

/// A thread that outlives `init`.
struct Worker(mpsc::Sender<(fn(), mpsc::Sender<()>)>);

impl Worker {
    fn start() -> Self {
        let (send, receive) = mpsc::channel::<(fn(), mpsc::Sender<()>)>();
        let thread = std::thread::Builder::new().spawn(move || {
            for (job, done) in receive {
                job();
                let _ = done.send(());
            }
        });
        assert!(thread.is_ok());
        Self(send)
    }

    fn run(&self, job: fn()) {
        let (done, is_done) = mpsc::channel();
        self.0.send((job, done)).expect("the worker lives");
        is_done.recv().expect("the job ends");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test program, not the SDK")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
