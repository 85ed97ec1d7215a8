//! The children: what happens in a process that has a session.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sentry::protocol::{Event, Exception, Mechanism, SessionStatus};
use sentry::{ClientInitGuard, ClientOptions, Hub, Level, SessionMode};

use crate::SETUP;

pub(crate) fn play(role: &str) {
    let argument = |name: &str| std::env::var(name).unwrap_or_default();
    let setup = argument(SETUP);
    let has = |word: &str| setup.split(' ').any(|other| other == word);
    let mut options = ClientOptions::new()
        .dsn(&argument("DSN"))
        .release("app@1.2.3")
        .auto_session_tracking(role != "idle" && !has("manual"))
        .session_mode(if has("requests") { SessionMode::Request } else { SessionMode::Application })
        .sample_rate(if has("unsampled") { 0.0 } else { 1.0 })
        .shutdown_timeout(Duration::from_secs(5));
    if has("cache") {
        options = options.cache_dir(argument("CACHE"));
    }
    if has("dropping") {
        options = options.before_send(|_| None);
    }
    let guard = sentry::init(options);
    if has("manual") {
        sentry::start_session();
    }
    if has("requests") {
        let request = || {
            sentry::start_session();
            act(role, &guard);
            sentry::end_session();
        };
        // The server goes on after a panic, as frameworks do.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            Hub::run(Arc::new(Hub::new_from_top(Hub::current())), request);
        }));
    } else {
        act(role, &guard);
    }
}

fn act(role: &str, guard: &ClientInitGuard) {
    // What comes after the end of a session is no matter of that session.
    if let Some(then) = role.strip_prefix("end, ") {
        sentry::end_session();
        return act(then, guard);
    }
    match role {
        // Time to find and to send what the one before has left.
        "idle" => std::thread::sleep(Duration::from_millis(700)),
        "nothing" => {}
        "error" => error(),
        "two errors" => (0..2).for_each(|_| error()),
        "message" => _ = sentry::capture_message("down", Level::Error),
        "warning" => {
            let exception = Exception { ty: "E".into(), ..Exception::default() };
            let event =
                Event { level: Level::Warning, exception: vec![exception].into(), ..Event::default() };
            sentry::capture_event(event);
        }
        "unhandled event" => unhandled(),
        "unhandled event, errors" => {
            unhandled();
            error();
            error();
        }
        "end twice" => (0..2).for_each(|_| sentry::end_session()),
        "end as ok" => sentry::end_session_with_status(SessionStatus::Ok),
        "end as abnormal" => sentry::end_session_with_status(SessionStatus::Abnormal),
        "end as crashed" => sentry::end_session_with_status(SessionStatus::Crashed),
        "error, end" => {
            error();
            sentry::end_session();
        }
        "error, end, sigkill" => {
            act("error, end", guard);
            vanish(guard);
        }
        "caught panic, end" => {
            caught();
            sentry::end_session();
        }
        "start twice" => sentry::start_session(),
        "start twice, error" => {
            sentry::start_session();
            error();
        }
        "start twice, panic" => {
            sentry::start_session();
            panic!("expected by the test");
        }
        "start twice, sigkill" => {
            sentry::start_session();
            vanish(guard);
        }
        "one of two ends, sigkill" => {
            Hub::run(Arc::new(Hub::new_from_top(Hub::current())), || {
                sentry::start_session();
                sentry::end_session();
            });
            vanish(guard);
        }
        "two, sigkill" => Hub::run(Arc::new(Hub::new_from_top(Hub::current())), || {
            sentry::start_session();
            error();
            vanish(guard);
        }),
        "panic" => panic!("expected by the test"),
        "error, panic" => {
            error();
            panic!("expected by the test");
        }
        "thread panics" => drop(std::thread::spawn(|| panic!("a thread")).join()),
        "thread panics, main too" => std::thread::spawn(|| panic!("a thread")).join().unwrap(),
        "caught panic" => caught(),
        "caught panic, sigkill" => {
            caught();
            vanish(guard);
        }
        "task panics" => task(),
        "nounwind" => cannot_unwind(),
        "nounwind in a thread" => drop(std::thread::spawn(|| cannot_unwind()).join()),
        "panic while unwinding" => {
            let _bomb = Bomb;
            panic!("expected by the test");
        }
        "abort" => {
            guard.flush(None);
            std::process::abort();
        }
        "sigkill" => vanish(guard),
        "sigterm" => {
            guard.flush(None);
            die_of("-TERM");
        }
        "error, sigkill" => {
            error();
            vanish(guard);
        }
        #[expect(clippy::exit, reason = "under test")]
        "exit" => std::process::exit(0),
        #[expect(clippy::exit, reason = "under test")]
        "error, exit" => {
            error();
            std::process::exit(3);
        }
        "exit of the SDK" => sentry::exit(0),
        #[expect(clippy::exit, reason = "under test")]
        "exit in a hook" => {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                previous(info);
                std::process::exit(3);
            }));
            panic!("expected by the test");
        }
        "fork" => {
            let Some(forked) = forking::fork() else {
                error();
                guard.flush(None);
                forking::exit_now(0)
            };
            assert!(forked.wait(Duration::from_secs(10)).is_some_and(|status| status.success()));
        }
        _ => unreachable!(),
    }
}

fn error() {
    sentry::capture_error(&"x".parse::<u8>().unwrap_err());
}

fn unhandled() {
    let mechanism = Mechanism { handled: Some(false), ..Mechanism::default() };
    let exception = Exception { ty: "E".into(), mechanism: Some(mechanism), ..Exception::default() };
    sentry::capture_event(Event { exception: vec![exception].into(), ..Event::default() });
}

fn caught() {
    assert!(catch_unwind(|| panic!("expected by the test")).is_err());
}

/// An executor with one thread, which is that of `main`, catches panics of tasks.
fn task() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ended = runtime.block_on(async { tokio::spawn(async { panic!("expected by the test") }).await });
    assert!(ended.is_err());
}

extern "C" fn cannot_unwind() {
    panic!("expected by the test");
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("while unwinding");
    }
}

fn vanish(guard: &ClientInitGuard) -> ! {
    // What is to be told by the next process is written by the worker.
    guard.flush(None);
    die_of("-9");
}

/// Of a signal that somebody else sends.
fn die_of(signal: &str) -> ! {
    let _ = Command::new("kill").args([signal, &std::process::id().to_string()]).status();
    loop {
        std::thread::park();
    }
}
