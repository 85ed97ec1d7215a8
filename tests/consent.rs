//! The consent of the user: held, sent, purged, remembered, and seen by other processes.
//!
//! A program of its own: the children are this program, and do what they are told over their standard input.
#![expect(
    clippy::disallowed_methods,
    reason = "children are set up through the environment, and real time is measured"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::Cache;
use ingest::Server;
use sentry::options::{CacheOptions, Consent};
use sentry::protocol::client_report::Reason;
use sentry::protocol::{Envelope, Event, Log, LogLevel};
use sentry::{Client, ClientInitGuard, ClientOptions, ConsentState, Level, TransactionContext, Transport};

#[path = "common/cache.rs"]
mod common;
#[path = "spool_kills/disk.rs"]
#[expect(dead_code, reason = "shared with another program")]
mod disk;

const CHILD: &str = "SENTRY_TEST_CHILD";
const LONG: Duration = Duration::from_secs(20);
/// What returns at once takes less, on a busy machine too.
const SOON: u128 = 5_000;

fn main() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    // As the harness would print it.
    let tests: [(&str, fn()); 12] = [
        ("undecided_nothing_arrives_and_a_later_yes_sends_it_all", held_and_sent),
        ("a_no_removes_what_is_held_and_is_remembered", purged),
        ("a_yes_after_a_no_works_again", given_again),
        ("without_a_cache_directory_it_is_held_in_memory", in_memory),
        ("an_application_that_need_not_ask_can_be_told_no", opted_out),
        ("another_process_sees_a_no", seen_by_others),
        ("another_process_sees_a_yes", yes_seen_by_others),
        ("a_crash_waits_for_consent_like_everything_else", crash),
        ("copies_and_spotlight_wait_as_well", copies),
        ("a_forked_child_decides_for_itself_and_on_disk_for_all", forked),
        ("a_transport_that_holds_nothing_gets_nothing", custom_transport),
        ("after_a_no_captures_cost_next_to_nothing", cost),
    ];
    #[cfg(feature = "crash-handler")]
    let tests =
        tests.into_iter().chain([("what_is_written_ahead_of_a_crash_goes_with_a_no", records as fn())]);
    for (name, test) in tests {
        let start = Instant::now();
        test();
        println!("test {name} ... ok, {:?}", start.elapsed());
    }
}

// ── the child ──

fn options() -> ClientOptions {
    let argument = |name: &str| std::env::var(name).ok();
    let cache = CacheOptions {
        dir: argument("CACHE").map(Into::into),
        pace: Duration::ZERO,
        ..CacheOptions::default()
    };
    let consent = if argument("FREE").is_some() { Consent::NotNeeded } else { Consent::Required };
    let mut options = ClientOptions::new()
        .dsn(&argument("DSN").unwrap())
        .release("app@1")
        .cache(cache)
        .consent(consent)
        .traces_sample_rate(1.0)
        .auto_session_tracking(true)
        .shutdown_timeout(LONG);
    if let Some(dsn) = argument("ALSO") {
        options = options.also_send_to(dsn.parse().unwrap());
    }
    if let Some(url) = argument("SPOTLIGHT") {
        options = options.spotlight(url);
    }
    options
}

/// Does what each line says, and answers with a line.
fn child() {
    let mut guard = Some(sentry::init(options()));
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let begun = Instant::now();
        let answer = obey(&mut guard, word, rest);
        println!("{} {answer}", begun.elapsed().as_millis());
    }
}

fn obey(guard: &mut Option<ClientInitGuard>, word: &str, rest: &str) -> String {
    let client = guard.as_ref();
    match word {
        "capture" => {
            for index in 0..rest.parse().unwrap() {
                sentry::capture_message(&format!("message {index}"), Level::Error);
            }
        }
        "everything" => everything(),
        "panic" => _ = std::panic::catch_unwind(|| panic!("expected by the test")),
        "give" => sentry::give_consent(),
        "revoke" => sentry::revoke_consent(),
        "consent" => return format!("{:?}", sentry::consent()),
        "flush" => return client.unwrap().flush(None).to_string(),
        "stats" => return format!("{:?}", client.unwrap().stats()),
        "fork" => return fork(guard.as_ref().unwrap(), rest),
        "close" => drop(guard.take()),
        other => panic!("{other}"),
    }
    String::new()
}

/// Decides in a child.
#[cfg(unix)]
fn fork(guard: &ClientInitGuard, decision: &str) -> String {
    let Some(child) = forking::fork() else {
        if decision == "give" {
            sentry::give_consent();
        } else {
            sentry::revoke_consent();
        }
        sentry::capture_message("of the child", Level::Error);
        forking::exit_now(i32::from(!guard.flush(Some(LONG))))
    };
    format!("{:?}", child.wait(LONG + LONG).and_then(|status| status.code()))
}

/// One of every kind.
fn everything() {
    sentry::capture_message("a message", Level::Error);
    let _ = std::panic::catch_unwind(|| panic!("expected by the test"));
    sentry::start_transaction(TransactionContext::new("work", "task")).finish();
    sentry::Hub::current().capture_log(Log {
        level: LogLevel::Info,
        body: "a log".into(),
        trace_id: None,
        timestamp: std::time::SystemTime::now(),
        severity_number: None,
        attributes: sentry::protocol::Map::new(),
    });
    sentry::capture_feedback(sentry::Feedback::new("I do not agree"));
}

// ── the parent ──

struct Program {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn start(dsn: &str, cache: Option<&Cache>, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(CHILD, "1").env("DSN", dsn).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(if std::env::var_os("SHOW").is_some() { Stdio::inherit() } else { Stdio::null() });
        cache.into_iter().for_each(|cache| _ = command.env("CACHE", &cache.0));
        let mut child = command.envs(more.iter().copied()).spawn().unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, orders, answers }
    }

    /// What it answers, and after how many milliseconds.
    fn timed(&mut self, order: &str) -> (String, u128) {
        writeln!(self.orders, "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let (took, answer) = line.trim_end_matches('\n').split_once(' ').unwrap();
        (answer.to_owned(), took.parse().unwrap())
    }

    fn tell(&mut self, order: &str) -> String {
        self.timed(order).0
    }

    /// In good order, and not by waiting for anything.
    fn end(mut self) {
        assert!(self.timed("close").1 < SOON);
        drop(self.orders);
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LONG, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}

fn assert_untouched(server: &Server) {
    assert_eq!((server.log().connections(), server.requests().len()), (0, 0));
}

fn kinds(server: &Server) -> Vec<String> {
    let envelopes = server.log().accepted_envelopes();
    let mut kinds: Vec<String> = envelopes
        .iter()
        .flat_map(|envelope| envelope.items.iter().map(|item| item.kind().to_string()))
        .collect();
    kinds.sort_unstable();
    kinds
}

fn held_and_sent() {
    let (cache, server) = (Cache::new("held"), Server::start());
    let dsn = server.dsn();
    let mut first = Program::start(&dsn, Some(&cache), &[]);
    assert_eq!(first.tell("consent"), "Unknown");
    first.tell("everything");
    let (flushed, took) = first.timed("flush");
    assert!(flushed == "true" && took < SOON, "it is on disk: {flushed}, {took} ms");
    assert!(disk::envelopes(&cache.0).len() >= 5);
    first.tell("everything");
    first.end();
    let kept = disk::envelopes(&cache.0).len();
    assert!(kept >= 10, "what was in memory went to disk: {kept}");

    let mut second = Program::start(&dsn, Some(&cache), &[]);
    second.tell("capture 1");
    assert_eq!(second.tell("flush"), "true");
    assert_untouched(&server);
    second.tell("give");
    assert_eq!(second.tell("consent"), "Given");
    wait_until("delivery", || disk::envelopes(&cache.0).len() <= 1);
    second.end();
    assert_eq!(disk::envelopes(&cache.0).len(), 0);
    let kinds = kinds(&server);
    for (kind, count) in [("event", 5), ("transaction", 2), ("log", 2), ("feedback", 2)] {
        assert_eq!(kinds.iter().filter(|it| *it == kind).count(), count, "{kind}: {kinds:?}");
    }
    assert!(kinds.iter().any(|kind| kind == "session"), "{kinds:?}");
    let times: Vec<_> = server.accepted_events().iter().map(|event| event["timestamp"].clone()).collect();
    assert_eq!(times.len(), 5);

    let mut third = Program::start(&dsn, Some(&cache), &[]);
    assert_eq!(third.tell("consent"), "Given", "remembered");
    server.clear();
    third.tell("capture 1");
    third.tell("flush");
    assert_eq!(server.accepted_events().len(), 1);
    third.end();
    server.assert_clean();
}

fn purged() {
    let (cache, server) = (Cache::new("purged"), Server::start());
    let dsn = server.dsn();
    let mut dead = Program::start(&dsn, Some(&cache), &[]);
    dead.tell("everything");
    dead.tell("flush");
    dead.kill();
    let mut program = Program::start(&dsn, Some(&cache), &[]);
    program.tell("everything");
    program.tell("flush");
    program.tell("capture 10");
    assert!(disk::envelopes(&cache.0).len() >= 10);
    let (_, took) = program.timed("revoke");
    assert_eq!(disk::envelopes(&cache.0).len(), 0, "gone when the call returns, after {took} ms");
    program.tell("everything");
    let (flushed, took) = program.timed("flush");
    assert!(flushed == "true" && took < SOON);
    let stats = program.tell("stats");
    assert!(stats.contains("NoConsent") && stats.contains("queued: 0"), "{stats}");
    program.end();
    assert_eq!(disk::envelopes(&cache.0).len(), 0);

    let mut next = Program::start(&dsn, Some(&cache), &[]);
    assert_eq!(next.tell("consent"), "Revoked", "remembered");
    next.tell("everything");
    next.tell("flush");
    next.end();
    assert_eq!(disk::envelopes(&cache.0).len(), 0);
    assert_untouched(&server);
}

fn given_again() {
    let (cache, server) = (Cache::new("again"), Server::start());
    let mut program = Program::start(&server.dsn(), Some(&cache), &[]);
    for order in ["capture 2", "revoke", "capture 3", "give", "capture 4", "flush"] {
        program.tell(order);
    }
    assert_eq!(server.accepted_events().len(), 4);
    program.end();
    let reports = server.log().count("client_report");
    assert_eq!(reports, 0, "what was refused is told to nobody");
    assert!(!kinds(&server).iter().any(|kind| kind == "session"), "nor a session that was refused");
    server.assert_clean();
}

fn in_memory() {
    let server = Server::start();
    let mut program = Program::start(&server.dsn(), None, &[]);
    program.tell("capture 7");
    let (flushed, took) = program.timed("flush");
    assert!(flushed == "false" && took < SOON, "{flushed}, {took} ms");
    assert_untouched(&server);
    program.tell("give");
    assert_eq!(program.tell("flush"), "true");
    let messages: Vec<_> = server.accepted_events().iter().map(|event| event["message"].clone()).collect();
    assert_eq!(messages.len(), 7);
    program.end();

    let mut forgetful = Program::start(&server.dsn(), None, &[]);
    assert_eq!(forgetful.tell("consent"), "Unknown", "there is no place to remember it");
    server.clear();
    forgetful.tell("everything");
    forgetful.end();
    assert_eq!(server.requests().len(), 0);
    server.assert_clean();
}

fn opted_out() {
    let (cache, server) = (Cache::new("out"), Server::start());
    let dsn = server.dsn();
    let mut program = Program::start(&dsn, Some(&cache), &[("FREE", "1")]);
    assert_eq!(program.tell("consent"), "NotNeeded");
    program.tell("capture 1");
    program.tell("flush");
    assert_eq!(server.accepted_events().len(), 1);
    program.tell("revoke");
    program.tell("everything");
    program.end();
    server.clear();
    let mut next = Program::start(&dsn, Some(&cache), &[("FREE", "1")]);
    assert_eq!(next.tell("consent"), "Revoked");
    next.tell("everything");
    next.end();
    assert_eq!(server.requests().len(), 0);
}

fn seen_by_others() {
    let (cache, server) = (Cache::new("others"), Server::start());
    let dsn = server.dsn();
    let mut other = Program::start(&dsn, Some(&cache), &[]);
    let mut program = Program::start(&dsn, Some(&cache), &[]);
    other.tell("give");
    wait_until("a yes", || {
        program.tell("capture 1");
        program.tell("consent") == "Given"
    });
    // It has things to send, and things on disk as well.
    server.refuse();
    program.tell("capture 20");
    wait_until("a store", || !disk::envelopes(&cache.0).is_empty());
    other.tell("revoke");
    let took = wait_until("a no", || program.tell("consent") == "Revoked");
    wait_until("a purge", || disk::envelopes(&cache.0).is_empty());
    println!("a process that had something to do saw the no of another one after {took:?}");
    server.resume();
    server.clear();
    program.tell("capture 20");
    program.tell("flush");
    assert_eq!(server.accepted_events().len(), 0);
    program.end();
    other.end();
    assert_eq!(disk::envelopes(&cache.0).len(), 0);
}

fn yes_seen_by_others() {
    let (cache, server) = (Cache::new("yes"), Server::start());
    let mut other = Program::start(&server.dsn(), Some(&cache), &[]);
    let mut program = Program::start(&server.dsn(), Some(&cache), &[]);
    program.tell("capture 3");
    program.tell("flush");
    other.tell("give");
    other.end();
    // It does nothing, and finds out by itself.
    let took = wait_until("delivery", || server.accepted_events().len() == 3);
    println!("a process that had nothing to do saw the yes of another one after {took:?}");
    program.end();
    server.assert_clean();
}

fn crash() {
    let (cache, server) = (Cache::new("crash"), Server::start());
    let dsn = server.dsn();
    let mut crashed = Program::start(&dsn, Some(&cache), &[]);
    crashed.tell("panic");
    let entries = sentry::spool::list(&cache.0).unwrap();
    let crashes = entries.iter().filter(|entry| entry.kind == sentry::spool::Kind::Crash);
    assert_eq!(crashes.count(), 1, "on disk before anything else, as ever");
    crashed.kill();
    let begun = Instant::now();
    let mut next = Program::start(&dsn, Some(&cache), &[]);
    assert_eq!(next.tell("consent"), "Unknown");
    assert!(begun.elapsed() < Duration::from_secs(4), "the start waits for nothing that may not leave");
    assert_untouched(&server);
    next.tell("give");
    wait_until("the crash", || !server.accepted_events().is_empty());
    next.end();

    let mut refused = Program::start(&dsn, Some(&cache), &[]);
    refused.tell("revoke");
    refused.tell("panic");
    assert_eq!(disk::envelopes(&cache.0).len(), 0, "not even on disk");
    refused.kill();
}

fn copies() {
    let (cache, server, second, spotlight) =
        (Cache::new("copies"), Server::start(), Server::start(), Server::start());
    let url = format!("http://{}/stream", spotlight.addr());
    let (dsn, also) = (server.dsn(), second.dsn());
    let mut program = Program::start(&dsn, Some(&cache), &[("ALSO", &also), ("SPOTLIGHT", &url)]);
    program.tell("everything");
    assert_eq!(program.tell("flush"), "true");
    [&server, &second, &spotlight].into_iter().for_each(assert_untouched);
    program.tell("give");
    wait_until("delivery", || server.accepted_events().len() == 2 && second.accepted_events().len() == 2);
    program.tell("capture 1");
    // A flush has half a second for Spotlight, and a busy machine more to do.
    assert!(spotlight.wait_for(|log| log.count("event") > 0, LONG), "shown like what a server gets");
    program.tell("flush");
    program.tell("revoke");
    let before = [&server, &second, &spotlight].map(|server| server.requests().len());
    program.tell("everything");
    program.end();
    assert_eq!([&server, &second, &spotlight].map(|server| server.requests().len()), before);
    assert_eq!(disk::envelopes(&cache.0).len(), 0);
    spotlight.allow_problems();
}

#[cfg(unix)]
fn forked() {
    let (cache, server) = (Cache::new("forked"), Server::start());
    let dsn = server.dsn();
    let mut program = Program::start(&dsn, None, &[]);
    program.tell("capture 2");
    assert_eq!(program.tell("fork give"), "Some(0)");
    assert_eq!(program.tell("consent"), "Unknown", "there is nothing they share but a memory of the past");
    let messages: Vec<_> = server.accepted_events().iter().map(|event| event["message"].clone()).collect();
    assert_eq!(messages, ["of the child"]);
    program.tell("give");
    assert_eq!(program.tell("flush"), "true");
    assert_eq!(server.accepted_events().len(), 3);
    assert_eq!(program.tell("fork revoke"), "Some(0)");
    assert_eq!(program.tell("consent"), "Given");
    program.end();

    server.clear();
    let mut program = Program::start(&dsn, Some(&cache), &[]);
    program.tell("capture 2");
    program.tell("flush");
    assert_eq!(program.tell("fork revoke"), "Some(0)");
    wait_until("a no", || {
        program.tell("capture 1");
        program.tell("consent") == "Revoked"
    });
    wait_until("a purge", || disk::envelopes(&cache.0).is_empty());
    program.end();
    assert_eq!(server.requests().len(), 0);
}

#[cfg(not(unix))]
fn forked() {}

/// Knows nothing of consent.
#[derive(Default)]
struct Direct(Mutex<Vec<Envelope>>);

impl Transport for Direct {
    fn send_envelope(&self, envelope: Envelope) {
        self.0.lock().unwrap().push(envelope);
    }
}

fn custom_transport() {
    let transport = Arc::new(Direct::default());
    let dropped = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&dropped);
    let options = ClientOptions::new()
        .dsn("http://public@127.0.0.1:9/42")
        .transport(Arc::clone(&transport))
        .consent(Consent::Required)
        .on_drop(move |lost| told.lock().unwrap().push(*lost));
    let client = Client::with_options(options);
    let sent = || transport.0.lock().unwrap().len();
    client.capture_event(Event::new(), None);
    client.send_envelope(Envelope::from(Event::new()));
    assert_eq!((sent(), client.consent()), (0, ConsentState::Unknown));
    let reasons: Vec<_> = dropped.lock().unwrap().iter().map(|lost| lost.reason).collect();
    assert_eq!(reasons, [Reason::NoConsent; 2]);
    client.give_consent();
    client.capture_event(Event::new(), None);
    assert_eq!(sent(), 1);
    client.revoke_consent();
    assert!(client.capture_event(Event::new(), None).is_nil());
    assert_eq!((sent(), client.stats().losses[0].quantity()), (1, 3));
}

fn cost() {
    let options = ClientOptions::new().dsn("http://public@127.0.0.1:9/42");
    let client = Arc::new(Client::with_options(sentry::apply_defaults(options)));
    client.revoke_consent();
    let hub = Arc::new(sentry::Hub::new(Some(client), Arc::default()));
    sentry::Hub::run(hub, || {
        const BATCH: u32 = 100;
        let error = "x".parse::<u8>().unwrap_err();
        // The best of many: what others do meanwhile is no cost of a capture.
        let batch = |_| {
            let begun = Instant::now();
            (0..BATCH).for_each(|_| _ = sentry::capture_error(&error));
            begun.elapsed() / BATCH
        };
        let each = (0..200).map(batch).min().unwrap();
        println!("a capture after a no: {each:?}");
        assert!(each < Duration::from_micros(20), "{each:?}");
    });
}

/// Last: this process has the handlers from then on.
#[cfg(feature = "crash-handler")]
fn records() {
    let (cache, server) = (Cache::new("records"), Server::start());
    let records = || {
        let folders = std::fs::read_dir(&cache.0).into_iter().flatten().flatten();
        let files =
            folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
        files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rec")).count()
    };
    let options = ClientOptions::new().dsn(&server.dsn()).cache_dir(&cache.0);
    let guard = sentry::init(options);
    assert_eq!(records(), 1);
    sentry::revoke_consent();
    assert_eq!(records(), 0);
    sentry::give_consent();
    assert_eq!(records(), 1);
    drop(guard);
    assert_eq!(records(), 0);
}
