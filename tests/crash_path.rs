//! What is captured in a panic hook: on disk before the hook returns, finished by the worker or by the next start, and never
//! the end of a process that would have survived.
//!
//! A program of its own: the children are this program with a role.
#![expect(
    clippy::disallowed_methods,
    reason = "roles are handed to children through the environment, and real time is measured"
)]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::Server;
use sentry::client_report::protocol::Category;
use sentry::protocol::{Event, Value};
use sentry::{ClientOptions, Transport};

const ROLE: &str = "SENTRY_TEST_ROLE";
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        return child(&role);
    }
    let tests: [(&str, fn()); 11] = [
        ("a_crash_is_on_disk_as_addresses_and_gets_its_names_at_the_next_start", named_at_the_next_start),
        ("callbacks_that_had_no_time_run_at_the_next_start", callbacks_at_the_next_start),
        ("what_an_event_processor_takes_out_never_reaches_the_disk", processors_come_before_the_disk),
        ("a_callback_that_panics_costs_the_event_and_not_the_process", callbacks_that_panic),
        ("callbacks_see_a_panic_once_and_complete", callbacks_see_panics),
        ("an_error_that_panics_while_formatting_is_survived", bad_display),
        ("a_hook_that_panics_after_ours_loses_nothing", hook_that_panics),
        ("a_double_panic_is_two_linked_events", double_panic),
        ("panics_while_a_thread_ends_arrive", in_thread_locals),
        ("what_is_thrown_again_is_no_panic", thrown_again),
        ("what_a_caught_panic_costs_its_thread", costs),
    ];
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for (name, test) in tests.into_iter().filter(|(name, _)| name.contains(&wanted)) {
        let start = Instant::now();
        test();
        println!("test {name} ... ok, {:?}", start.elapsed());
    }
}

// ── the children ──

#[inline(never)]
fn fails_here() -> usize {
    panic!("it fails here"); // THE PANIC
}

fn options() -> ClientOptions {
    let options = ClientOptions::new().dsn(&std::env::var("DSN").unwrap_or_default());
    match std::env::var("CACHE") {
        Ok(dir) => options.cache_dir(dir),
        Err(_) => options,
    }
}

/// The hook that is there before ours, and so runs after it: the process vanishes the moment ours has returned.
fn vanish_in_hook() {
    std::panic::set_hook(Box::new(|_| {
        let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
        std::thread::sleep(PATIENCE);
    }));
}

fn tagged(by: &'static str) -> impl Fn(Event<'static>) -> Option<Event<'static>> {
    move |mut event: Event<'static>| {
        // Seen by somebody else before?
        let seen = event.tags.get("seen").map_or_else(|| by.to_owned(), |before| format!("{before}+{by}"));
        let place = event.exception.last().and_then(|exception| exception.stacktrace.as_ref());
        let newest = place.and_then(|stacktrace| stacktrace.frames.last()?.function.clone());
        event.tags.insert("newest".into(), newest.unwrap_or_default());
        event.tags.insert("seen".into(), seen);
        Some(event)
    }
}

fn refuses(_: Event<'static>) -> Option<Event<'static>> {
    panic!("a callback panics")
}

fn child(role: &str) {
    match role {
        "vanish" => {
            vanish_in_hook();
            let _guard = sentry::init(options());
            let _ = catch_unwind(fails_here);
        }
        "vanish unseen" => {
            vanish_in_hook();
            let _guard = sentry::init(options().before_send(tagged("then")));
            let _ = catch_unwind(fails_here);
        }
        "vanish with a processor" => {
            let _guard = sentry::init(options());
            sentry::configure_scope(|scope| {
                scope.set_tag("secret", "hunter2");
                scope.add_event_processor(|mut event| {
                    event.tags.remove("secret");
                    Some(event)
                });
            });
            let _ = catch_unwind(fails_here);
            let _ = catch_unwind(fails_here);
            flush(3);
            vanish_in_hook();
            panic!("the end");
        }
        "drain" => drain(options()),
        "drain seen" => drain(options().before_send(tagged("now"))),
        "bad before_send" => survive(options().before_send(refuses)),
        "bad processor" => {
            let _guard = sentry::init(options());
            sentry::configure_scope(|scope| scope.add_event_processor(refuses));
            assert!(catch_unwind(fails_here).is_err());
            flush(20);
        }
        "bad before_send, foreign transport" => {
            struct Nowhere;
            impl Transport for Nowhere {
                fn send_envelope(&self, _: sentry::Envelope) {}
            }
            let mut options = options().before_send(refuses);
            let transport: Arc<dyn sentry::TransportFactory> =
                Arc::new(|_: &ClientOptions| Arc::new(Nowhere) as Arc<dyn Transport>);
            options.transport = Some(transport);
            survive(options);
        }
        "bad transport" => {
            struct Bad;
            impl Transport for Bad {
                fn send_envelope(&self, _: sentry::Envelope) {
                    panic!("in the transport");
                }
            }
            let mut options = options();
            let transport: Arc<dyn sentry::TransportFactory> =
                Arc::new(|_: &ClientOptions| Arc::new(Bad) as Arc<dyn Transport>);
            options.transport = Some(transport);
            let _guard = sentry::init(options);
            assert!(catch_unwind(fails_here).is_err());
            assert!(catch_unwind(fails_here).is_err());
            let client = sentry::Hub::current().client().expect("a client");
            let lost = client.options().client_report_recorder.totals();
            let events = lost.iter().filter(|item| item.category() == Category::Error);
            assert_eq!(events.map(|item| item.quantity()).sum::<u64>(), 2, "each is counted: {lost:?}");
        }
        "seen" => survive(options().before_send(tagged("then"))),
        "bad display" => {
            let _guard = sentry::init(options());
            let bad: Box<dyn std::error::Error + Send + Sync> = Box::new(Bad);
            assert!(catch_unwind(AssertUnwindSafe(move || panic_any(bad))).is_err());
            assert!(catch_unwind(|| panic_any(std::io::Error::other(Bad))).is_err());
            flush(20);
        }
        "bad hook" => {
            std::panic::set_hook(Box::new(|_| panic!("in the hook")));
            let _guard = sentry::init(options());
            fails_here();
        }
        "double" => {
            let _guard = sentry::init(options());
            // Who aborts has two seconds; a busy machine needs as long for the symbols alone.
            drop(sentry::integrations::backtrace::current_stacktrace());
            let _bomb = Bomb("second");
            fails_here();
        }
        "thread local" => {
            thread_local!(static BOMB: RefCell<Option<Bomb>> = const { RefCell::new(None) });
            let _guard = sentry::init(options().before_send(tagged("then")));
            let thread = std::thread::spawn(|| {
                BOMB.with(|bomb| *bomb.borrow_mut() = Some(Bomb("while the thread ends")));
                sentry::add_breadcrumb(sentry::Breadcrumb::default());
            });
            let _ = thread.join();
        }
        "again" => {
            let _guard = sentry::init(options());
            let caught = catch_unwind(fails_here).expect_err("it panics");
            let again =
                catch_unwind(AssertUnwindSafe(move || resume_unwind(caught))).expect_err("it panics again");
            assert_eq!(again.downcast_ref(), Some(&"it fails here"));
            flush(20);
        }
        "cost" => cost(),
        other => panic!("no role {other}"),
    }
}

#[inline(never)]
fn deep(levels: usize) -> usize {
    match levels {
        0 => fails_here(),
        levels => std::hint::black_box(deep(levels - 1)) + 1,
    }
}

/// What is left to the worker has time to happen in between.
fn cost() {
    let measure = |name: &str| {
        let mut costs: Vec<_> = (0..300)
            .map(|_| {
                std::thread::sleep(Duration::from_millis(2));
                let start = Instant::now();
                assert!(catch_unwind(|| deep(25)).is_err());
                start.elapsed()
            })
            .collect();
        let first = costs[0];
        costs.sort();
        println!(
            "caught panic, {name}: first {first:?}, median {:?}, 95 of 100 {:?}",
            costs[150], costs[285]
        );
        costs[150]
    };
    std::panic::set_hook(Box::new(|_| {}));
    measure("no client");
    let without = ClientOptions::new().dsn(&std::env::var("DSN").unwrap_or_default());
    let guard = sentry::init(without);
    measure("no cache directory");
    drop(guard);
    let _guard = sentry::init(options());
    let median = measure("with a cache directory");
    // Generous, for a build without optimisations on a busy machine.
    assert!(median < Duration::from_millis(20), "{median:?}");
}

fn flush(seconds: u64) {
    if let Some(client) = sentry::Hub::current().client() {
        client.flush(Some(Duration::from_secs(seconds)));
    }
}

fn survive(options: ClientOptions) {
    let _guard = sentry::init(options);
    assert!(catch_unwind(fails_here).is_err());
    // The next one as well.
    assert!(catch_unwind(fails_here).is_err());
    // Symbols take their time on a busy machine.
    flush(20);
}

fn drain(options: ClientOptions) {
    let guard = sentry::init(options);
    let patience = Instant::now() + PATIENCE;
    let cache = PathBuf::from(std::env::var("CACHE").unwrap_or_default());
    while !files(&cache).is_empty() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    guard.flush(None);
}

#[derive(Debug)]
struct Bad;

impl std::fmt::Display for Bad {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("while formatting")
    }
}

impl std::error::Error for Bad {}

struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

// ── the parent ──

/// A directory of its own, gone with the test.
struct Cache(PathBuf);

impl Cache {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-crash-path-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn run(&self, role: &str, dsn: &str) -> ExitStatus {
        command(role, dsn).env("CACHE", &self.0).status().expect("the child starts")
    }

    /// The only stored envelope.
    fn stored(&self) -> String {
        let files = files(&self.0);
        assert_eq!(files.len(), 1, "{files:?}");
        String::from_utf8_lossy(&std::fs::read(&files[0]).expect("a file")).into_owned()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(role: &str, dsn: &str) -> ExitStatus {
    command(role, dsn).status().expect("the child starts")
}

fn command(role: &str, dsn: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let shown = std::env::var_os("SHOW").is_some();
    command.env(ROLE, role).env("DSN", dsn).stderr(if shown { Stdio::inherit() } else { Stdio::null() });
    command
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false if path.extension().is_some_and(|extension| extension == "env") => vec![path],
        false => Vec::new(),
    };
    entries.flatten().flat_map(|entry| below(entry.path())).collect()
}

/// A server that is not there yet: what is stored is stored for it.
fn away() -> Server {
    let server = Server::start();
    server.refuse();
    server
}

fn exception(event: &Value) -> &Value {
    event["exception"]["values"].as_array().and_then(|values| values.last()).expect("an exception")
}

fn newest(event: &Value) -> &Value {
    exception(event)["stacktrace"]["frames"].as_array().and_then(|frames| frames.last()).expect("frames")
}

fn named_at_the_next_start() {
    let (cache, server) = (Cache::new("named"), away());
    assert!(!cache.run("vanish", &server.dsn()).success());
    let stored = cache.stored();
    assert!(
        stored.contains(r#""instruction_addr":"0x"#) && stored.contains(r#""image_addr":"0x"#),
        "{stored}"
    );
    assert!(!stored.contains("fails_here"), "no symbols are loaded by a thread that panics");

    server.resume();
    cache.run("drain", &server.dsn());
    let events = server.events();
    assert_eq!(events.len(), 1);
    let newest = newest(&events[0]);
    let text = include_str!("crash_path.rs");
    let line = text.lines().position(|line| line.contains("// THE PANIC")).expect("the line") + 1;
    assert!(newest["function"].as_str().unwrap_or_default().ends_with("fails_here"), "{newest}");
    assert_eq!((&newest["lineno"], &newest["in_app"]), (&line.into(), &true.into()), "{newest}");
    assert!(newest["context_line"].as_str().unwrap_or_default().contains("// THE PANIC"), "{newest}");
    let all = exception(&events[0])["stacktrace"]["frames"].to_string();
    assert!(
        !all.contains("__rust_begin_short_backtrace") && !all.contains("rust_begin_unwind"),
        "trimmed: {all}"
    );
    server.assert_clean();
}

fn callbacks_at_the_next_start() {
    let (cache, server) = (Cache::new("unseen"), away());
    assert!(!cache.run("vanish unseen", &server.dsn()).success());
    assert!(cache.stored().lines().next().unwrap_or_default().contains(r#""unseen":true"#));
    server.resume();
    cache.run("drain seen", &server.dsn());
    let events = server.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["tags"]["seen"], "now");
    assert!(
        events[0]["tags"]["newest"].as_str().unwrap_or_default().ends_with("fails_here"),
        "{}",
        events[0]
    );
    assert!(!server.envelopes().iter().any(|envelope| envelope.headers.to_string().contains("unseen")));

    // And they may drop it.
    server.refuse();
    assert!(!cache.run("vanish unseen", &server.dsn()).success());
    server.resume();
    cache.run("bad before_send", &server.dsn());
    let reports = server.wait_for_items("client_report", 1, PATIENCE);
    assert!(format!("{reports:?}").contains("callback_error"), "{reports:?}");
    assert_eq!((server.events().len(), files(&cache.0).len()), (1, 0));
}

fn processors_come_before_the_disk() {
    let (cache, server) = (Cache::new("processor"), away());
    cache.run("vanish with a processor", &server.dsn());
    let files = files(&cache.0);
    assert!(files.len() >= 2, "those that were seen are there: {files:?}");
    for file in files {
        let stored = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
        assert!(!stored.contains("hunter2"), "{stored}");
    }
}

fn callbacks_that_panic() {
    for role in ["bad before_send", "bad processor", "bad before_send, foreign transport", "bad transport"] {
        let server = Server::start();
        assert!(run(role, &server.dsn()).success(), "{role}");
        assert!(server.events().is_empty());
        if !role.ends_with("transport") {
            let reports = server.wait_for_items("client_report", 1, PATIENCE);
            assert!(format!("{reports:?}").contains("callback_error"), "{role}: {reports:?}");
        }
    }
}

fn callbacks_see_panics() {
    let server = Server::start();
    assert!(run("seen", &server.dsn()).success());
    let events = server.events();
    assert_eq!(events.len(), 2);
    for event in &events {
        assert_eq!(event["tags"]["seen"], "then");
        assert!(event["tags"]["newest"].as_str().unwrap_or_default().ends_with("fails_here"), "{event}");
    }
    server.assert_clean();
}

fn bad_display() {
    let server = Server::start();
    assert!(run("bad display", &server.dsn()).success());
    let events = server.events();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| exception(event)["value"] == "Box<Any>"));
}

fn hook_that_panics() {
    let (cache, server) = (Cache::new("hook"), away());
    assert!(!cache.run("bad hook", &server.dsn()).success());
    server.resume();
    cache.run("drain", &server.dsn());
    let events = server.events();
    assert_eq!(events.len(), 1);
    assert_eq!(exception(&events[0])["value"], "it fails here");
}

fn double_panic() {
    let server = Server::start();
    assert!(!run("double", &server.dsn()).success());
    let events = server.events();
    let find = |text: &str| events.iter().find(|event| exception(event)["value"] == text).expect("the event");
    let (first, second) = (find("it fails here"), find("second"));
    assert_eq!(events.len(), 2);
    assert_eq!(exception(second)["mechanism"]["data"]["previous_event"], first["event_id"]);
}

fn in_thread_locals() {
    let (cache, server) = (Cache::new("thread-local"), away());
    // Std aborts when such a destructor panics, and the hook cannot know.
    assert!(!cache.run("thread local", &server.dsn()).success());
    server.resume();
    cache.run("drain seen", &server.dsn());
    let events = server.events();
    assert_eq!(events.len(), 1);
    assert_eq!(exception(&events[0])["value"], "while the thread ends");
    assert_eq!(events[0]["tags"]["seen"], "now");
}

fn costs() {
    let (cache, server) = (Cache::new("cost"), Server::start());
    assert!(cache.run("cost", &server.dsn()).success());
}

fn thrown_again() {
    let server = Server::start();
    assert!(run("again", &server.dsn()).success());
    assert_eq!(server.events().len(), 1);
}
