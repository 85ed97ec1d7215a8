//! Programs that fork while copies go to Spotlight, or while everything goes through a sender with a lock of its own: a
//! child sends what it captures itself, nothing twice, and never waits for a thread that it does not have.
#![cfg(all(unix, feature = "reqwest"))]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ingest::Server;
use sentry::{ClientInitGuard, ClientOptions, Level, TransportFactory};
use sentry_transport::{FileSender, FnSender, Response, StdoutSender};

const FORKS: usize = 30;
const LONG: Duration = Duration::from_secs(20);

/// Flushes so often: Spotlight gets half a second of each, which is nothing on a busy machine.
fn flush(guard: &ClientInitGuard, times: usize) -> bool {
    (0..times).all(|_| guard.flush(Some(LONG)))
}

/// Forks while another thread captures without a pause. Every child captures once and ends.
fn fork_often(options: ClientOptions) {
    let guard = sentry::init(options.shutdown_timeout(LONG));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                sentry::capture_message("noise", Level::Info);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        for n in 0..FORKS {
            sentry::capture_message(&format!("parent {n}"), Level::Info);
            let Some(child) = forking::fork() else {
                sentry::capture_message(&format!("child {n}"), Level::Info);
                let flushed = flush(&guard, 20);
                forking::exit_now(i32::from(!flushed))
            };
            let ended = child.wait(LONG + LONG).and_then(|status| status.code());
            assert_eq!(ended, Some(0), "child {n} hangs or has lost something");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(flush(&guard, 120));
    assert!(guard.close(Some(LONG)));
}

fn assert_each_once(messages: impl Iterator<Item = String>) {
    let mut seen = BTreeMap::<String, usize>::new();
    messages.filter(|message| message != "noise").for_each(|message| *seen.entry(message).or_default() += 1);
    let expected = (0..FORKS).flat_map(|n| [format!("child {n}"), format!("parent {n}")]);
    assert_eq!(seen, expected.map(|message| (message, 1)).collect());
}

fn messages(server: &Server) -> impl Iterator<Item = String> {
    server.events().into_iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned())
}

fn through(sender: impl TransportFactory + 'static) {
    let options = ClientOptions::new().dsn("http://public@localhost/42");
    fork_often(options.transport(sender));
}

/// One after the other: the client and the handlers of forks are those of the process.
#[test]
fn a_child_has_a_way_of_its_own() {
    let (server, copies) = (Server::start(), Server::start());
    copies.allow_problems();
    let spotlight = format!("http://{}/stream", copies.addr());
    fork_often(ClientOptions::new().dsn(&server.dsn()).spotlight(spotlight));
    assert_each_once(messages(&server));
    assert_each_once(messages(&copies));

    let file = std::env::temp_dir().join(format!("fork-copies-{}", std::process::id()));
    through(FileSender::append(&file));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let message = |line: &str| Some(line.split_once("\"message\":\"")?.1.split_once('"')?.0.to_owned());
    assert_each_once(text.lines().filter_map(message));

    through(StdoutSender::to(std::io::sink()));

    let mut sink = std::io::sink();
    through(FnSender::new(move |request: sentry_transport::Request| {
        let _ = sink.write_all(request.body());
        Response::new(200)
    }));
}
