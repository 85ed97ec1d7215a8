//! Sessions of real processes: those that end well, those that panic and those that vanish.
//!
//! A program of its own: the children are this program with a role.
#![expect(
    clippy::disallowed_methods,
    reason = "roles are handed to children through the environment, and real time is measured"
)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use ingest::Server;
use sentry::ClientOptions;
use sentry::protocol::Value;

const ROLE: &str = "SENTRY_TEST_ROLE";

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        return child(&role);
    }
    let tests: [(&str, fn()); 6] = [
        ("a_session_lasts_as_long_as_the_guard", guard),
        ("a_panic_of_main_is_a_crash", panic_of_main),
        ("a_panic_of_a_thread_leaves_the_session_running", panic_of_a_thread),
        ("a_process_that_vanishes_is_told_of_by_the_next", vanished),
        ("what_is_told_after_an_error_is_not_the_first_word", vanished_after_an_error),
        ("a_forked_child_leaves_the_session_alone", forked),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
}

// ── the children ──

fn child(role: &str) {
    let argument = |name: &str| std::env::var(name).unwrap_or_default();
    let mut options = ClientOptions::new()
        .dsn(&argument("DSN"))
        .release("app@1.2.3")
        .auto_session_tracking(role != "idle")
        .shutdown_timeout(Duration::from_secs(5));
    if !argument("CACHE").is_empty() {
        options = options.cache_dir(argument("CACHE"));
    }
    let guard = sentry::init(options);
    match role {
        "ends" => {}
        "idle" => std::thread::sleep(Duration::from_secs(1)),
        "panics" => panic!("main"),
        "thread" => drop(std::thread::spawn(|| panic!("a thread")).join()),
        "error" => {
            sentry::capture_error(&"x".parse::<u8>().unwrap_err());
            guard.flush(None);
            vanish();
        }
        "vanishes" => {
            // Told in the background.
            guard.flush(None);
            vanish();
        }
        "forks" => {
            let Some(forked) = forking::fork() else {
                sentry::capture_error(&"x".parse::<u8>().unwrap_err());
                guard.flush(None);
                forking::exit_now(0)
            };
            assert!(forked.wait(Duration::from_secs(10)).is_some_and(|status| status.success()));
        }
        _ => unreachable!(),
    }
}

fn vanish() -> ! {
    let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    loop {
        std::thread::park();
    }
}

// ── the parent ──

/// What the server was told about sessions by children with these roles, one after the other.
fn told(roles: &[&str]) -> Vec<Value> {
    let server = Server::start();
    let cache = Cache::new();
    for role in roles {
        let status = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, role)
            .env("DSN", server.dsn())
            .env("CACHE", &cache.0)
            .stderr(if std::env::var_os("SHOW").is_some() { Stdio::inherit() } else { Stdio::null() })
            .status()
            .unwrap();
        assert_eq!(status.success(), !matches!(*role, "panics" | "error" | "vanishes"), "{role}: {status}");
    }
    server.items("session").iter().map(ingest::Item::json).collect()
}

/// A directory of its own, gone with the test.
struct Cache(PathBuf);

impl Cache {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sentry-sessions-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn course(told: &[Value]) -> Vec<(bool, &str, u64)> {
    let part = |update: &Value| (update["init"] == true, update["errors"].as_u64().unwrap());
    told.iter()
        .map(|update| {
            let (init, errors) = part(update);
            (init, update["status"].as_str().unwrap(), errors)
        })
        .collect()
}

fn guard() {
    let told = told(&["ends", "idle"]);
    assert_eq!(course(&told), [(true, "exited", 0)]);
    assert_eq!(told[0]["attrs"]["release"], "app@1.2.3");
}

fn panic_of_main() {
    let told = told(&["panics", "idle"]);
    assert_eq!(course(&told), [(true, "crashed", 1)]);
}

fn panic_of_a_thread() {
    let told = told(&["thread", "idle"]);
    assert_eq!(course(&told), [(true, "ok", 1), (false, "unhandled", 1)]);
}

fn vanished() {
    let told = told(&["vanishes", "idle"]);
    assert_eq!(course(&told), [(true, "abnormal", 0)]);
}

fn vanished_after_an_error() {
    let told = told(&["error", "idle"]);
    assert_eq!(course(&told), [(true, "ok", 1), (false, "abnormal", 1)]);
    assert_eq!(told[0]["sid"], told[1]["sid"]);
    assert!(told[0]["seq"].as_u64() < told[1]["seq"].as_u64());
}

fn forked() {
    let told = told(&["forks"]);
    assert_eq!(course(&told), [(true, "exited", 0)]);
}
