//! Hangs: a child process whose main thread, event loop or runtime stops answering is reported while it does, once per hang.
//!
//! A program of its own: it starts itself as the child, whose main thread is the one to hang.
#![expect(clippy::disallowed_methods, reason = "a test reads its arguments and measures")]

mod child;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ingest::Server;
use sentry::protocol::Value;

/// Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mark, dsn, kind] = &arguments[..]
        && mark == "child"
    {
        return child::run(dsn, kind);
    }
    for (kind, who, function) in [
        ("sleep", "thread main", "sleeps_for_good"),
        ("spin", "thread main", "spins_for_good"),
        ("lock", "thread main", "waits_for_a_lock"),
        ("thread", "thread stock", "sleeps_for_good"),
        ("runtime", "tokio", "sleeps_for_good"),
        ("runtimes", "tokio", "sleeps_for_good"),
    ] {
        is_reported_with_its_stack(kind, who, function);
    }
    a_second_hang_is_a_second_report();
    who_answers_is_not_reported();
    what_was_stopped_does_not_hang();
    a_handler_of_the_application_still_gets_its_signals();
    nothing_runs_while_off();
}

fn is_reported_with_its_stack(kind: &str, who: &str, function: &str) {
    let server = Server::start();
    let mut child = start(&server, kind);
    let events = server.wait_for_events(1, PATIENCE);
    end(&mut child);
    assert_eq!(events.len(), 1, "{kind}");
    let exception = &events[0]["exception"]["values"][0];
    assert_eq!(exception["type"], "AppHang", "{kind}");
    assert_eq!(exception["mechanism"]["type"], "AppHang", "{kind}");
    assert_eq!(exception["value"], format!("{who} has not answered for 500ms"), "{kind}");
    assert_eq!(events[0]["level"], "error", "{kind}");
    assert_eq!(events[0]["tags"]["kind"], kind);
    let duration = exception["mechanism"]["data"]["duration_ms"].as_u64().unwrap_or_default();
    assert!(duration >= 500, "{kind}: {duration}");
    let threads = events[0]["threads"]["values"].as_array().expect("threads");
    let hung: Vec<&Value> = threads.iter().filter(|thread| thread["current"] == true).collect();
    assert_eq!(hung.len(), 1, "{kind}: {threads:?}");
    assert_eq!(hung[0]["id"], exception["thread_id"], "{kind}");
    assert!(threads.iter().all(|thread| thread["crashed"] != true), "{kind}");
    if !STACKS {
        return;
    }
    let frames = exception["stacktrace"]["frames"].as_array().expect("frames");
    let newest = frames.iter().rev().find(|frame| frame["in_app"] == true).expect("a frame of the program");
    let blamed = newest["function"].as_str().unwrap_or_default();
    assert!(blamed.ends_with(function), "{kind}: {blamed} of {frames:#?}");
    assert!(newest["filename"].as_str().is_some_and(|name| name.ends_with("child.rs")), "{newest}");
    println!("{kind}: ok, {} frames, {} threads", frames.len(), threads.len());
}

fn a_second_hang_is_a_second_report() {
    let server = Server::start();
    let mut child = start(&server, "twice");
    let events = server.wait_for_events(2, PATIENCE);
    assert!(child.wait().is_ok_and(|status| status.success()));
    assert_eq!((events.len(), server.events().len()), (2, 2));
    let data = |event: &Value| event["exception"]["values"][0]["mechanism"]["data"].clone();
    let second = events.iter().map(data).find(|data| data["hangs"] == 2).expect("the second");
    assert!(events.iter().map(data).any(|data| data["hangs"] == 1 && data.get("previous_ms").is_none()));
    let previous = second["previous_ms"].as_u64().map(Duration::from_millis);
    assert!(previous.is_some_and(|previous| previous >= child::PATIENT), "{second}");
    println!("twice: ok, {second}");
}

fn who_answers_is_not_reported() {
    let server = Server::start();
    let mut child = start(&server, "answers");
    assert!(child.wait().is_ok_and(|status| status.success()));
    // The child ends with an event of its own: all that came before it has come.
    let events = server.wait_for_events(1, PATIENCE);
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["message"], "the end");
    println!("answers: ok");
}

/// As a debugger does it, or a machine that is suspended.
fn what_was_stopped_does_not_hang() {
    if !cfg!(unix) {
        return;
    }
    let server = Server::start();
    let mut child = start(&server, "stopped");
    assert_eq!(server.wait_for_events(1, PATIENCE).len(), 1, "the child has begun");
    for _ in 0..3 {
        signal(&child, "STOP");
        std::thread::sleep(Duration::from_secs(3));
        signal(&child, "CONT");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(child.wait().is_ok_and(|status| status.success()));
    let events = server.wait_for_events(2, PATIENCE);
    let messages: Vec<_> = events.iter().map(|event| &event["message"]).collect();
    assert_eq!(messages, ["the beginning", "the end"], "{events:#?}");
    println!("stopped: ok");
}

fn a_handler_of_the_application_still_gets_its_signals() {
    if !STACKS {
        return;
    }
    let server = Server::start();
    let mut child = start(&server, "sleep");
    assert_eq!(server.wait_for_events(1, PATIENCE).len(), 1);
    // The default action of the signal is to be ignored: sent by others it still is.
    signal(&child, "URG");
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().is_ok_and(|status| status.is_none()), "it lives on");
    end(&mut child);
}

fn nothing_runs_while_off() {
    let mut child = Command::new(std::env::current_exe().expect("a path"))
        .args(["child", "-", "off"])
        .stdin(Stdio::null())
        .spawn()
        .expect("a child");
    assert!(child.wait().is_ok_and(|status| status.success()));
    println!("off: ok");
}

fn start(server: &Server, kind: &str) -> Child {
    let program = std::env::current_exe().expect("a path");
    Command::new(program).args(["child", &server.dsn(), kind]).stdin(Stdio::null()).spawn().expect("a child")
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
}

const STACKS: bool = cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));
