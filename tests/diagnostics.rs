//! The first failure of each kind is told once, to the hook, even without `debug`; without a hook nothing is printed.
//! Each case in a process of its own: what was told already belongs to the process.

use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ingest::{Reply, Server, refused_addr};
use sentry::options::HttpOptions;
use sentry::{ClientOptions, Level, diagnostics};

const SCENARIO: &str = "SENTRY_TEST_SCENARIO";
const ADDRESS: &str = "SENTRY_TEST_ADDRESS";

/// Neither a key nor what was captured may show up anywhere.
const KEY: &str = "hushkey";
const PAYLOAD: &str = "hushpayload";

fn main() {
    if let Some(scenario) = variable(SCENARIO) {
        return child(&scenario);
    }
    each_kind_is_told_once();
    a_thread_that_cannot_be_had_is_told_once();
    without_a_hook_nothing_is_printed();
    debug_prints_and_repeats();
    debug_prints_from_its_level_on();
    a_guard_that_is_not_kept_is_told_and_found_by_the_doctor();
    println!("6 passed, 0 failed");
}

fn each_kind_is_told_once() {
    let answers = |reply: Reply| Server::builder().otherwise(reply).start();
    let table = [
        ("plain", answers(Reply::reset()), "cannot send to 127.0.0.1"),
        ("plain", answers(Reply::garbage()), "cannot send to 127.0.0.1"),
        ("tls", answers(Reply::ok()), "corrupt message"),
        ("plain", answers(Reply::status(403).body("wrong\x1bproject")), "status 403: wrong\\u{1b}project"),
        ("plain", answers(Reply::status(413)), "bytes on the wire too large"),
        ("plain", answers(Reply::status(429)), "limits the rate"),
        ("plain", answers(Reply::status(503)), "that is away"),
        ("full", answers(Reply::ok().after(Duration::from_millis(50))), "queue is full"),
        ("proxy", answers(Reply::ok()), "a proxy URL is invalid"),
        ("rate", answers(Reply::ok()), "sample_rate is 7.0"),
    ];
    for (scenario, server, words) in table {
        server.allow_problems();
        let lines = told(&run(scenario, &server.addr().to_string(), &[]));
        assert!(matches!(&lines[..], [line] if line.contains(words)), "{words}: {lines:?}");
    }
    let lines = told(&run("plain", &refused_addr().to_string(), &[]));
    assert!(matches!(&lines[..], [line] if line.contains("onnection refused")), "{lines:?}");
}

fn a_thread_that_cannot_be_had_is_told_once() {
    // No address space has room for such a stack.
    let stack = (1_u64 << 50).to_string();
    let lines = told(&run("plain", &refused_addr().to_string(), &[("RUST_MIN_STACK", &stack)]));
    assert!(matches!(&lines[..], [line] if line.contains("no thread")), "{lines:?}");
}

fn without_a_hook_nothing_is_printed() {
    let output = run("silent", &refused_addr().to_string(), &[]);
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

fn debug_prints_and_repeats() {
    let server = Server::builder().otherwise(Reply::status(403)).start();
    // The key is not the one of the server.
    server.allow_problems();
    let output = run("silent", &server.addr().to_string(), &[("SENTRY_DEBUG", "1")]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    // Two events, and whatever client reports there were about them.
    assert!(text.matches("status 403").count() >= 2, "{text}");
    assert_eq!(text.matches("[sentry] warning:").count(), 1, "{text}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

fn debug_prints_from_its_level_on() {
    let server = Server::builder().otherwise(Reply::status(403)).start();
    server.allow_problems();
    let (address, debug) = (server.addr().to_string(), [("SENTRY_DEBUG", "1")]);
    for (level, shown) in [("debug", 3), ("info", 2), ("warning", 1), ("error", 0)] {
        let output = run(&format!("level {level}"), &address, &debug);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_there =
            ["[sentry] warning:", "[sentry] info: enabled", "[sentry] debug:"].map(|it| text.contains(it));
        assert_eq!(is_there.iter().filter(|it| **it).count(), shown, "{level}: {text}");
        assert!(is_there.is_sorted_by(|a, b| a >= b), "{level}: {text}");
        // Whoever listens hears of what went wrong at any level.
        assert!(told(&output).iter().any(|line| line.contains("status 403")), "{level}: {output:?}");
    }
}

fn a_guard_that_is_not_kept_is_told_and_found_by_the_doctor() {
    let output = run("dropped", &refused_addr().to_string(), &[]);
    let lines = told(&output);
    // The other one is about the test event of the doctor, who finds nobody to send it to.
    assert!(matches!(&lines[..], [line, _] if line.contains("bind the guard to a name")), "{lines:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let guard = text.lines().find(|line| line.starts_with("FAIL") && line.contains("guard"));
    assert!(guard.is_some_and(|line| line.contains("everything is off")), "{text}");
}

/// What the hook was told.
fn told(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("told: ")).map(str::to_owned).collect()
}

fn run(scenario: &str, address: &str, variables: &[(&str, &str)]) -> Output {
    let program = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(program);
    for name in ["SENTRY_DSN", "SENTRY_DEBUG", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"] {
        command.env_remove(name);
    }
    command.env(SCENARIO, scenario).env(ADDRESS, address).envs(variables.iter().copied());
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{scenario}: {output:?}");
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains(KEY) && !text.contains(PAYLOAD), "{scenario}: {text}");
    }
    output
}

fn child(scenario: &str) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let level = scenario.strip_prefix("level ");
    let is_about_levels = level.is_some();
    if scenario != "silent" {
        let theirs = Arc::clone(&lines);
        diagnostics::set_hook(Some(Arc::new(move |level, line| {
            if is_about_levels && level < Level::Warning {
                return;
            }
            assert!(level >= Level::Warning);
            theirs.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        })));
    }
    let address = variable(ADDRESS).expect("the parent sets it");
    let scheme = if scenario == "tls" { "https" } else { "http" };
    let http = HttpOptions { max_in_flight: std::num::NonZeroUsize::new(1), ..HttpOptions::default() };
    let mut options = ClientOptions::new()
        .dsn(&format!("{scheme}://{KEY}@{address}/42"))
        .shutdown_timeout(Duration::from_millis(300))
        .http(http);
    if let Some(level) = level {
        options.debug_level = level.parse().expect("a level");
    }
    match scenario {
        "full" => options.transport_channel_capacity = std::num::NonZeroUsize::new(1),
        "proxy" => options.http_proxy = Some(format!("http://{KEY}@:no port").into()),
        "rate" => options.sample_rate = 7.0,
        "dropped" => {
            drop(sentry::init(options));
            println!("{}", sentry::doctor());
            return tell(&lines);
        }
        _ => {}
    }
    let guard = sentry::init(options);
    for _ in 0..2 {
        for _ in 0..if scenario == "full" { 20 } else { 1 } {
            sentry::capture_message(PAYLOAD, Level::Info);
        }
        guard.flush(Some(Duration::from_millis(300)));
    }
    drop(guard);
    tell(&lines);
}

fn tell(lines: &Mutex<Vec<String>>) {
    for line in lines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        println!("told: {line}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test program, not the SDK")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
