//! What a server is told about the surroundings of an event, by a program whose environment is known.
//!
//! The environment belongs to the process: each case is one.

use std::process::Command;

use ingest::Server;
use sentry::integrations::contexts::{ContextIntegration, ModulesIntegration};
use sentry::options::DataCollection;
use sentry::protocol::{User, Value};
use sentry::{ClientOptions, Level};

const SCENARIO: &str = "SENTRY_TEST_SCENARIO";

fn main() {
    if let Some(scenario) = variable(SCENARIO) {
        return child(&scenario);
    }
    the_surroundings_arrive();
    what_is_switched_off_does_not();
    modules_are_those_of_the_lock_file();
    users_arrive_as_they_were_set();
    release_and_dist_are_on_everything();
    println!("5 passed, 0 failed");
}

fn child(scenario: &str) {
    let options = ClientOptions::new().traces_sample_rate(1.0);
    let options = match scenario {
        "off" => options
            .data_collection(DataCollection { server_name: false, ..DataCollection::default() })
            .default_integrations(false)
            .add_integration(
                ContextIntegration::new().add_culture(false).add_cloud_resource(false).add_memory(false),
            ),
        "modules" => {
            options.add_integration(ModulesIntegration::from_lock_file(include_str!("../Cargo.lock")))
        }
        // What the build script in docs/FILTERING.md sets; nothing does here.
        "release" => options.maybe_release(option_env!("NO_SUCH_RELEASE").or(Some("shop@1+3f2a"))).dist("7"),
        _ => options,
    };
    let _guard = sentry::init(options);
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User {
            id: Some("42".into()),
            email: Some("jane@example.com".into()),
            username: Some("jane".into()),
            ip_address: "127.0.0.1".parse().ok(),
            other: [("segment".to_owned(), "paying".into())].into(),
        }));
    });
    sentry::capture_message("hello", Level::Info);
    sentry::start_transaction(sentry::TransactionContext::new("report", "task")).finish();
}

fn the_surroundings_arrive() {
    let variables = [
        ("LC_ALL", "nb_NO.UTF-8"),
        ("TZ", "Europe/Oslo"),
        ("AWS_LAMBDA_FUNCTION_NAME", "resize"),
        ("AWS_REGION", "eu-north-1"),
    ];
    for item in run("on", &variables) {
        let contexts = &item["contexts"];
        assert_eq!(
            (&contexts["culture"]["locale"], &contexts["culture"]["timezone"]),
            (&"nb-NO".into(), &"Europe/Oslo".into())
        );
        assert_eq!(contexts["cloud_resource"]["cloud.platform"], "aws_lambda");
        assert_eq!(contexts["cloud_resource"]["cloud.region"], "eu-north-1");
        assert!(contexts["os"]["name"].is_string() && contexts["rust"]["version"].is_string());
        assert!(contexts["app"]["app_name"].as_str().unwrap().starts_with("contexts"));
        if cfg!(target_os = "linux") {
            assert!(contexts["device"]["free_memory"].as_u64().unwrap() > 0);
            assert!(contexts["app"]["app_memory"].as_u64().unwrap() > 0);
        }
        assert_eq!(item["environment"], if cfg!(debug_assertions) { "development" } else { "production" });
    }
}

fn what_is_switched_off_does_not() {
    for item in run("off", &[("LC_ALL", "nb_NO.UTF-8"), ("DYNO", "web.1"), ("HOSTNAME", "somebody")]) {
        let contexts = &item["contexts"];
        for absent in [
            &contexts["culture"],
            &contexts["cloud_resource"],
            &contexts["device"]["free_memory"],
            &contexts["app"]["app_memory"],
            &item["server_name"],
            &item["modules"],
        ] {
            assert!(absent.is_null(), "{absent}");
        }
        assert!(contexts["device"]["arch"].is_string());
    }
}

fn modules_are_those_of_the_lock_file() {
    let [event, transaction] = &run("modules", &[])[..] else { panic!("an event and a transaction") };
    assert_eq!(event["modules"]["sentry"], env!("CARGO_PKG_VERSION"));
    assert!(event["modules"]["serde_json"].is_string() && transaction["modules"].is_null());
}

fn users_arrive_as_they_were_set() {
    for item in run("on", &[]) {
        let expected: Value = serde_json::json!({
            "id": "42", "email": "jane@example.com", "username": "jane", "ip_address": "127.0.0.1", "segment": "paying"
        });
        assert_eq!(item["user"], expected);
    }
}

fn release_and_dist_are_on_everything() {
    for item in run("release", &[("SENTRY_RELEASE", "not@this"), ("SENTRY_ENVIRONMENT", "staging")]) {
        assert_eq!((&item["release"], &item["dist"]), (&"shop@1+3f2a".into(), &"7".into()));
        assert_eq!(item["environment"], "staging");
    }
    for item in run("on", &[("SENTRY_RELEASE", "env@1")]) {
        assert_eq!((&item["release"], &item["dist"]), (&"env@1".into(), &Value::Null));
    }
}

/// The event and the transaction that a process with this environment sends.
fn run(scenario: &str, variables: &[(&str, &str)]) -> Vec<Value> {
    let server = Server::start();
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(program)
        .env_clear()
        .env(SCENARIO, scenario)
        .env("SENTRY_DSN", server.dsn())
        .envs(variables.iter().copied())
        .output()
        .expect("the program can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let items: Vec<Value> = [server.events(), server.transactions()].concat();
    assert_eq!(items.len(), 2, "{items:#?}");
    items
}

#[expect(clippy::disallowed_methods, reason = "the test tells its children what to do")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
