//! How fast envelopes that wait are sent.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::place::client;
use super::{Way, verdict};
use crate::burst::serve;

/// Envelopes a second.
const BUDGET: f64 = 300.0;

/// Microseconds that the start may take.
const START: u64 = 100_000;

pub(super) fn measure() {
    println!("envelopes on disk, pace 0                 init   first request       all       rate   memory");
    for count in [0, 300, 10_000] {
        drain(count);
    }
}

fn drain(count: usize) {
    let cache = std::env::temp_dir().join(format!("sentry-bench-{}-drain", std::process::id()));
    let _ = std::fs::remove_dir_all(&cache);
    // Nobody listens yet.
    let address =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let dsn = format!("http://public@{address}/42");
    let filled = client("fill", Way::Always, &dsn, &cache).env("COUNT", count.to_string()).status();
    assert!(filled.is_ok_and(|status| status.success()));

    let received = Arc::new(AtomicUsize::new(0));
    let first = Arc::new(Mutex::new(None));
    listen(&TcpListener::bind(address).expect("the port"), &received, &first);
    let mut command = client("drain", Way::OnFailure, &dsn, &cache);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a client");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let _ = lines.next();
    let start = Instant::now();
    let number = |line: Option<String>| {
        line.and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok()).expect("a number")
    };
    let init = number(lines.next());
    while received.load(Ordering::Relaxed) < count && start.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(1));
    }
    let all = start.elapsed();
    // The last answers are on their way.
    thread::sleep(Duration::from_millis(200));
    drop(child.stdin.take());
    let (memory, left) = (number(lines.next()), number(lines.next()));
    let _ = child.wait();
    let received = received.load(Ordering::Relaxed);
    assert_eq!((received, left), (count, 0), "received and left");
    let first = first
        .lock()
        .expect("no panic")
        .map_or(Duration::ZERO, |at: Instant| at.saturating_duration_since(start));
    let rate = count as f64 / all.as_secs_f64();
    let is_within = init <= START && (count == 0 || rate >= BUDGET);
    println!(
        "  {count:<30} {:>10} us {:>12.1} ms {:>7.2} s {:>8.0}/s {:>5.1} MiB   {}",
        init,
        first.as_secs_f64() * 1e3,
        all.as_secs_f64(),
        rate,
        memory as f64 / 1024.0,
        verdict(is_within)
    );
    let _ = std::fs::remove_dir_all(&cache);
}

fn listen(listener: &TcpListener, received: &Arc<AtomicUsize>, first: &Arc<Mutex<Option<Instant>>>) {
    let listener = listener.try_clone().expect("a copy");
    let (received, first) = (Arc::clone(received), Arc::clone(first));
    // Ends with the process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (received, first) = (Arc::clone(&received), Arc::clone(&first));
            thread::spawn(move || {
                serve(stream, Duration::ZERO, |_| {
                    first.lock().expect("no panic").get_or_insert_with(Instant::now);
                    received.fetch_add(1, Ordering::Relaxed);
                })
            });
        }
    });
}
