//! Panics in a child process, built with either strategy: what arrives, and how the process ends.

use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ingest::{Reply, Server};

const ABORTED: Option<i32> = None;

#[test]
fn under_unwind_every_panic_arrives_and_the_exit_code_stays() {
    let program = build("dev");
    assert_eq!(arrives(&program, "main", &["on the main thread"]), Some(101));
    assert_eq!(arrives(&program, "thread", &["on a thread"]), Some(0));
    assert_eq!(arrives(&program, "caught", &["caught"]), Some(0));
    assert_eq!(arrives(&program, "drop", &["first", "second, while unwinding"]), ABORTED);
}

#[test]
fn under_abort_every_panic_arrives_before_the_process_dies() {
    let program = build("abort");
    assert_eq!(arrives(&program, "main", &["on the main thread"]), ABORTED);
    assert_eq!(arrives(&program, "thread", &["on a thread"]), ABORTED);
    assert_eq!(arrives(&program, "caught", &["caught"]), ABORTED);
}

/// With a server that never answers the process dies late, but within the two seconds of `shutdown_timeout`.
#[test]
fn under_abort_a_silent_server_delays_death_by_the_timeout_only() {
    let program = build("abort");
    let server = Server::builder().otherwise(Reply::hang()).start();
    let start = now();
    assert_eq!(run(&program, &server, "main").code(), ABORTED);
    let elapsed = start.elapsed();
    println!("abort against a server that hangs: the process ended after {elapsed:?}");
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
}

/// Runs the child and returns its exit code once all `messages` are at the server.
fn arrives(program: &PathBuf, place: &str, messages: &[&str]) -> Option<i32> {
    let server = Server::start();
    let status = run(program, &server, place);
    let values: Vec<String> = server
        .events()
        .iter()
        .filter_map(|event| event["exception"]["values"][0]["value"].as_str().map(str::to_owned))
        .collect();
    for message in messages {
        assert!(values.iter().any(|value| value == message), "{place}: {message:?} is not among {values:?}");
    }
    for event in server.events() {
        assert_eq!(event["tags"]["place"], place);
        let frames = event["exception"]["values"][0]["stacktrace"]["frames"].to_string();
        assert!(frames.contains("panicking"), "{place}: no frame of the program in {frames}");
    }
    status.code()
}

fn run(program: &PathBuf, server: &Server, place: &str) -> ExitStatus {
    let mut command = Command::new(program);
    command.arg(server.dsn()).arg(place).stderr(Stdio::null());
    command.status().expect("the program starts")
}

/// Builds the child with a profile of the root manifest. Cargo's own lock makes concurrent tests wait for each other.
fn build(profile: &str) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("panicking");
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--package", "panicking", "--profile", profile, "--target-dir"])
        .arg(&target);
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo starts");
    assert!(status.success(), "cargo build --profile {profile}");
    target.join(if profile == "dev" { "debug" } else { profile }).join("panicking")
}

#[expect(clippy::disallowed_methods, reason = "a test measures with the clock of the system")]
fn now() -> Instant {
    Instant::now()
}
