//! The transport as a guest in somebody else's process: threads, CPU time, wake-ups, runtimes. One test at a time, because
//! the process is what is measured.
#![cfg(target_os = "linux")]

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ingest::Server;
use sentry_core::client_report::Recorder;
use sentry_core::protocol::Event;
use sentry_core::{ClientOptions, Transport, TransportOptions};
use sentry_transport::transports::{HttpTransport, ReqwestHttpTransportOptions};

const LONG: Duration = Duration::from_secs(30);

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    wait_until("the workers of the test before end", || ours().is_empty());
    guard
}

fn transport(dsn: &str) -> (HttpTransport, Recorder) {
    let recorder = Recorder::default();
    let options = ClientOptions {
        dsn: Some(dsn.parse().unwrap()),
        client_report_recorder: recorder.clone(),
        ..ClientOptions::default()
    };
    let options = TransportOptions::try_from_client_options(&options).unwrap();
    (ReqwestHttpTransportOptions::from(options).build(), recorder)
}

fn send(transport: &HttpTransport) {
    transport.send_envelope(Event { message: Some("one".into()), ..Event::new() }.into());
}

/// The threads of this process whose names begin with `sentry`.
fn ours() -> Vec<u32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok())
        .filter(|id| {
            let name = fs::read_to_string(format!("/proc/self/task/{id}/comm")).unwrap_or_default();
            name.starts_with("sentry-")
        })
        .collect()
}

/// How often a thread has gone to sleep, and its CPU time in clock ticks of 10 ms.
fn activity(id: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/self/task/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
    let sleeps = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let stat = fs::read_to_string(format!("/proc/self/task/{id}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (sleeps, fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap())
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{what} within three seconds");
}

#[expect(clippy::disallowed_methods, reason = "tests measure time")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn no_thread_before_the_first_item_one_after_it_and_none_after_the_end() {
    let _alone = alone();
    let server = Server::start();
    let (transport, _) = transport(&server.dsn());
    assert!(transport.flush(LONG));
    assert!(ours().is_empty());
    send(&transport);
    assert!(transport.flush(LONG));
    wait_until("the lookup thread ends", || ours().len() == 1);
    assert!(transport.shutdown(LONG));
    wait_until("the worker ends", || ours().is_empty());
    send(&transport);
    assert!(ours().is_empty(), "nothing is started after the end");
}

#[test]
fn a_transport_that_was_never_used_starts_no_thread_at_its_end() {
    let _alone = alone();
    let server = Server::start();
    let (unused, _) = transport(&server.dsn());
    assert!(unused.shutdown(LONG));
    drop(unused);
    drop(transport(&server.dsn()));
    assert!(ours().is_empty());
}

#[test]
fn an_idle_worker_is_never_woken() {
    let _alone = alone();
    let server = Server::start();
    let (transport, _) = transport(&server.dsn());
    send(&transport);
    assert!(transport.flush(LONG));
    wait_until("the lookup thread ends", || ours().len() == 1);
    let worker = ours()[0];
    // What was to do is done when nothing has happened for a while.
    let mut seen = activity(worker);
    wait_until("the worker rests", || {
        std::thread::sleep(Duration::from_millis(150));
        let now = activity(worker);
        std::mem::replace(&mut seen, now) == now
    });
    let before = activity(worker);
    std::thread::sleep(Duration::from_secs(2));
    let after = activity(worker);
    println!("idle for 2 s: {} wake-ups", after.0 - before.0);
    assert_eq!(after, before);
}

#[test]
fn a_server_that_is_down_costs_next_to_nothing() {
    let _alone = alone();
    let dsn = format!("http://public@{}/42", ingest::refused_addr());
    let (transport, _) = transport(&dsn);
    for _ in 0..500 {
        send(&transport);
    }
    std::thread::sleep(Duration::from_millis(200));
    let worker = *ours().iter().min().unwrap();
    let before = activity(worker);
    for _ in 0..30 {
        std::thread::sleep(Duration::from_millis(100));
        send(&transport);
    }
    let after = activity(worker);
    println!("down for 3 s: {} wake-ups, {} ms of CPU", after.0 - before.0, (after.1 - before.1) * 10);
    assert!(after.0 - before.0 < 300, "{before:?} {after:?}");
    assert!(after.1 - before.1 < 30, "{before:?} {after:?}");
}

#[test]
fn every_way_to_end_works_inside_of_a_runtime() {
    let _alone = alone();
    let server = Server::start();
    let single = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let multi =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for runtime in [single(), multi()] {
        runtime.block_on(async {
            for way in 0..3 {
                let (transport, recorder) = transport(&server.dsn());
                send(&transport);
                match way {
                    0 => assert!(transport.flush(LONG)),
                    1 => assert!(transport.shutdown(LONG)),
                    _ => {}
                }
                drop(transport);
                assert_eq!(recorder.totals(), []);
            }
        });
        let (transport, _) = transport(&server.dsn());
        let task = runtime.spawn(async move {
            send(&transport);
            assert!(transport.flush(LONG));
            drop(transport);
        });
        runtime.block_on(task).unwrap();
    }
    assert!(server.wait_for(|log| log.count("event") == 8, LONG));
}

#[test]
fn many_transports_share_a_process_and_leave_nothing_behind() {
    let _alone = alone();
    let server = Server::start();
    let transports: Vec<_> = (0..50).map(|_| transport(&server.dsn())).collect();
    for (transport, _) in &transports {
        (0..10).for_each(|_| send(transport));
    }
    let start = now();
    for (transport, recorder) in &transports {
        assert!(transport.shutdown(LONG));
        assert_eq!(recorder.totals(), []);
    }
    println!("50 transports with 10 events each: {:?}", start.elapsed());
    wait_until("all workers end", || ours().is_empty());
    assert!(server.wait_for(|log| log.count("event") == 500, LONG));
}
