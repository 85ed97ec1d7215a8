//! The environment variables, each case in a process of its own: the environment belongs to the process.

use std::process::Command;

use ingest::Server;
use sentry::{ClientOptions, Level};

const SCENARIO: &str = "SENTRY_TEST_SCENARIO";

fn main() {
    if let Some(scenario) = variable(SCENARIO) {
        return child(&scenario);
    }
    everything_comes_from_the_environment();
    code_wins_over_the_environment();
    nothing_set_is_off();
    a_bad_dsn_in_the_environment_is_off_and_not_a_panic();
    println!("4 passed, 0 failed");
}

fn child(scenario: &str) {
    let options = match scenario {
        "code" => ClientOptions::new().release("code@2").environment("code"),
        _ => ClientOptions::default(),
    };
    let guard = sentry::init(options);
    sentry::capture_message("hello", Level::Info);
    println!("enabled={}", guard.is_enabled());
}

fn everything_comes_from_the_environment() {
    let server = Server::start();
    run(
        "env",
        &[("SENTRY_DSN", &server.dsn()), ("SENTRY_RELEASE", "env@1"), ("SENTRY_ENVIRONMENT", "staging")],
    );
    let event = &server.events()[0];
    assert_eq!((&event["release"], &event["environment"]), (&"env@1".into(), &"staging".into()));
}

fn code_wins_over_the_environment() {
    let server = Server::start();
    run(
        "code",
        &[("SENTRY_DSN", &server.dsn()), ("SENTRY_RELEASE", "env@1"), ("SENTRY_ENVIRONMENT", "staging")],
    );
    let event = &server.events()[0];
    assert_eq!((&event["release"], &event["environment"]), (&"code@2".into(), &"code".into()));
}

fn nothing_set_is_off() {
    assert_eq!(run("env", &[]), "enabled=false");
}

fn a_bad_dsn_in_the_environment_is_off_and_not_a_panic() {
    assert_eq!(run("env", &[("SENTRY_DSN", ",,,:;:")]), "enabled=false");
}

fn run(scenario: &str, variables: &[(&str, &str)]) -> String {
    let program = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(program);
    for name in ["SENTRY_DSN", "SENTRY_RELEASE", "SENTRY_ENVIRONMENT", "HTTP_PROXY", "http_proxy"] {
        command.env_remove(name);
    }
    let output =
        command.env(SCENARIO, scenario).envs(variables.iter().copied()).output().expect("the program starts");
    assert!(output.status.success(), "{scenario}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "a test program, not the SDK")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
