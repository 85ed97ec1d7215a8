//! A trace that goes on in the processes that are started in it, each case in a process of its own.

use std::process::Command;

use ingest::Server;
use sentry::protocol::Value;
use sentry::{ClientOptions, Hub, Level, start_transaction};

const SCENARIO: &str = "SENTRY_TEST_SCENARIO";
const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1";
/// What every server wants to know of a trace.
const KNOWN: &str = "sentry-public_key=parent,sentry-trace_id=09e04486820349518ac7b5d2adbf6ba5";

fn main() {
    if let Some(scenario) = variable(SCENARIO) {
        return child(&scenario);
    }
    everything_belongs_to_the_trace_of_the_parent();
    a_request_has_a_trace_of_its_own();
    strangers_and_nonsense_are_not_continued();
    it_goes_through_a_chain_of_processes();
    println!("4 passed, 0 failed");
}

/// Says on the standard output what it would call others with, for each place where it is asked.
fn child(scenario: &str) {
    let options = ClientOptions::new().release("child@1").traces_sample_rate(0.0);
    let options = match scenario {
        "strict" => options.org_id(7.into()).strict_trace_continuation(true),
        "quiet" => options.dsn("http://public@127.0.0.1:9/1"),
        _ => options,
    };
    // Somebody has used the SDK before, on a thread of its own.
    let earlier = on_thread(|| Hub::current().trace_headers());
    let guard = sentry::init(options);
    sentry::capture_message("on main", Level::Info);
    on_thread(|| sentry::capture_message("on a thread", Level::Info));
    let transaction = start_transaction(Hub::current().transaction_context("job", "task"));
    transaction.finish();
    let job = Hub::current().isolate();
    let request = Hub::run(Hub::current(), || Hub::current().isolate_request().trace_headers());
    if scenario == "chain" {
        let status = itself("leaf").envs(Hub::current().trace_environment()).status().unwrap();
        assert!(status.success());
    }
    drop(guard);
    let trace = |headers: &[(&str, String)]| headers[0].1[..32].to_owned();
    println!(
        "{} {} {} {}",
        trace(&Hub::current().trace_headers()),
        trace(&job.trace_headers()),
        trace(&request),
        trace(&earlier)
    );
}

fn everything_belongs_to_the_trace_of_the_parent() {
    let server = Server::start();
    let baggage = format!("{KNOWN},sentry-release=parent%401");
    run("plain", &[("SENTRY_DSN", &server.dsn()), ("SENTRY_TRACE", TRACE), ("SENTRY_BAGGAGE", &baggage)]);
    let events = server.events();
    assert_eq!(events.len(), 2);
    for event in &events {
        assert_eq!(event["contexts"]["trace"]["trace_id"], TRACE[..32]);
        assert_eq!(event["release"], "child@1");
    }
    // The parent has decided that it is sampled.
    let transaction = &server.transactions()[0];
    let trace = &transaction["contexts"]["trace"];
    assert_eq!((&trace["trace_id"], &trace["parent_span_id"]), (&TRACE[..32].into(), &TRACE[33..49].into()));
    for envelope in server.envelopes().iter().filter(|it| it.items_of("event").next().is_some()) {
        let expected: Value =
            serde_json::json!({"public_key": "parent", "release": "parent@1", "trace_id": TRACE[..32]});
        assert_eq!(envelope.headers["trace"], expected, "frozen");
    }
    server.assert_clean();
}

fn a_request_has_a_trace_of_its_own() {
    let told = run("quiet", &[("SENTRY_TRACE", TRACE)]);
    let [here, job, request, earlier] = told.split(' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert_eq!((here, job), (&TRACE[..32], &TRACE[..32]));
    assert_ne!(request, here, "whoever starts a server does not make its requests");
    assert_ne!(earlier, here);
    let told = run("quiet", &[]);
    assert_ne!(&told[..32], &TRACE[..32]);
}

fn strangers_and_nonsense_are_not_continued() {
    for (scenario, trace, baggage) in [
        ("quiet", "nonsense", ""),
        ("quiet", "", "sentry-release=x"),
        ("strict", TRACE, ""),
        ("strict", TRACE, "sentry-org_id=8"),
    ] {
        let variables = [
            ("SENTRY_DSN", "http://public@127.0.0.1:9/1"),
            ("SENTRY_TRACE", trace),
            ("SENTRY_BAGGAGE", baggage),
        ];
        assert_ne!(&run(scenario, &variables)[..32], &TRACE[..32], "{scenario} {trace} {baggage}");
    }
    let same = [
        ("SENTRY_DSN", "http://public@127.0.0.1:9/1"),
        ("SENTRY_TRACE", TRACE),
        ("SENTRY_BAGGAGE", "sentry-org_id=7"),
    ];
    assert_eq!(&run("strict", &same)[..32], &TRACE[..32]);
}

fn it_goes_through_a_chain_of_processes() {
    let server = Server::start();
    let baggage = format!("{KNOWN},sentry-new_field=1");
    run("chain", &[("SENTRY_DSN", &server.dsn()), ("SENTRY_TRACE", TRACE), ("SENTRY_BAGGAGE", &baggage)]);
    let events = server.events();
    assert_eq!(events.len(), 4, "two of each process");
    assert!(events.iter().all(|event| event["contexts"]["trace"]["trace_id"] == TRACE[..32]));
    let contexts = server.envelopes();
    let mut contexts = contexts.iter().filter(|envelope| envelope.items_of("event").next().is_some());
    assert!(contexts.all(|envelope| envelope.headers["trace"]["new_field"] == "1"));
    server.assert_clean();
}

fn run(scenario: &str, variables: &[(&str, &str)]) -> String {
    let output = itself(scenario).envs(variables.iter().copied()).output().expect("the program starts");
    assert!(output.status.success(), "{scenario}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn itself(scenario: &str) -> Command {
    let program = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(program);
    for name in ["HTTP_PROXY", "http_proxy", "SENTRY_TRACE", "SENTRY_BAGGAGE"] {
        command.env_remove(name);
    }
    command.env(SCENARIO, scenario);
    command
}

fn on_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|threads| threads.spawn(work).join().unwrap())
}

#[expect(clippy::disallowed_methods, reason = "a test program, not the SDK")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
