//! `flush`, `close`, the guard's drop and the panic hook end on time, whatever the server does.
//!
//! Every way to end meets every kind of bad server, with one event just captured and with forty that a worker is busy with.
//! The promise is 50 ms over the limit. A machine that runs other tests at the same time cannot be held to that, so the margin
//! is wider unless `SENTRY_TEST_LONG` is set, and what such a machine kept the process waiting is no part of the measurement;
//! the table at the end prints what was measured either way.

use std::collections::BTreeMap;
use std::io;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ingest::{Reply, Server, Stalls};
use sentry::protocol::{Attachment, Event};
use sentry::{Client, ClientInitGuard, ClientOptions, Hub, Scope};
use sentry_core::client_report::Recorder;
use sentry_core::protocol::client_report::{Category, Item};

/// How long a fault outlasts everything that waits here.
const FOREVER: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Drip,
    FullSendBuffer,
    Hang,
    Refuse,
    Reset,
    SlowResolver,
    TlsJunk,
    Unresolvable,
}

/// How often the slow resolver was asked.
static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Flush,
    Close,
    GuardDrop,
    DropInCurrentThread,
    DropInMultiThread,
    PanicHook,
}

/// What a client has to do when its end comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Load {
    /// One event, captured a moment ago.
    Fresh,
    /// Forty, and the worker has met the server already.
    Busy,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::Drip,
        Self::FullSendBuffer,
        Self::Hang,
        Self::Refuse,
        Self::Reset,
        Self::SlowResolver,
        Self::TlsJunk,
        Self::Unresolvable,
    ];

    fn server(self) -> Option<Server> {
        let reply = match self {
            Self::Drip => Reply::drip(Duration::from_secs(1)),
            Self::FullSendBuffer => Reply::blackhole(),
            Self::Hang => Reply::hang(),
            Self::Reset => Reply::reset(),
            Self::TlsJunk => Reply::garbage(),
            Self::Refuse | Self::SlowResolver | Self::Unresolvable => return None,
        };
        let server = Server::builder().otherwise(reply).start();
        // A handshake is no request.
        server.allow_problems();
        Some(server)
    }

    fn dsn(self, server: Option<&Server>) -> String {
        match (self, server) {
            (Self::TlsJunk, Some(server)) => server.dsn().replacen("http://", "https://", 1),
            (_, Some(server)) => server.dsn(),
            (Self::SlowResolver | Self::Unresolvable, None) => {
                format!("http://public@{}/42", ingest::unknown_host())
            }
            (_, None) => format!("http://public@{}/42", ingest::refused_addr()),
        }
    }

    fn options(self, server: Option<&Server>) -> ClientOptions {
        let options = ClientOptions::new().dsn(&self.dsn(server)).shutdown_timeout(End::GuardDrop.limit());
        if self != Self::SlowResolver {
            return options;
        }
        let resolver = |_: &str| {
            LOOKUPS.fetch_add(1, Ordering::Relaxed);
            thread::sleep(FOREVER);
            Err(io::ErrorKind::TimedOut.into())
        };
        options.http(sentry_core::options::HttpOptions {
            resolver: Some(Arc::new(resolver)),
            ..Default::default()
        })
    }

    /// What travels with every event.
    fn scope(self) -> Scope {
        let mut scope = Scope::default();
        if self == Self::FullSendBuffer {
            // More than both sockets hold, less than the queue takes.
            let (buffer, filename) = (noise(7 * 1024 * 1024), "core.bin".to_owned());
            scope.add_attachment(Attachment { buffer, filename, ..Default::default() });
        }
        scope
    }
}

impl End {
    const ALL: [Self; 6] = [
        Self::Flush,
        Self::Close,
        Self::GuardDrop,
        Self::DropInCurrentThread,
        Self::DropInMultiThread,
        Self::PanicHook,
    ];

    const fn limit(self) -> Duration {
        match self {
            Self::Flush => Duration::from_millis(200),
            Self::Close => Duration::from_secs(2),
            Self::GuardDrop | Self::DropInCurrentThread | Self::DropInMultiThread => {
                Duration::from_millis(600)
            }
            // Nobody has allowed it to wait.
            Self::PanicHook => Duration::ZERO,
        }
    }
}

#[test]
fn every_wait_ends_on_time_whatever_the_server_does() {
    let printing = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // Printing the panics that are meant to happen would be measured.
        if info.payload_as_str() != Some("on purpose") {
            printing(info);
        }
    }));
    let mut excesses = BTreeMap::new();
    for end in End::ALL {
        for load in [Load::Fresh, Load::Busy] {
            for (fault, excess) in all_faults(end, load) {
                excesses.insert((fault, end, load), excess);
            }
        }
    }
    print(&excesses);
    let lookups = LOOKUPS.load(Ordering::Relaxed);
    assert!(lookups >= 2 * End::ALL.len(), "{lookups}: every client that has a slow resolver asks it");
    for (case, excess) in excesses {
        assert!(excess <= margin(), "{case:?} ended {excess:?} after its limit");
    }
}

/// One end under one load with every fault: at once, because they only wait. A panic costs CPU, so one after the other.
fn all_faults(end: End, load: Load) -> Vec<(Fault, Duration)> {
    if end == End::PanicHook {
        return Fault::ALL.into_iter().map(|fault| (fault, excess(fault, end, load))).collect();
    }
    thread::scope(|threads| {
        let running = Fault::ALL.map(|fault| (fault, threads.spawn(move || excess(fault, end, load))));
        running.map(|(fault, thread)| (fault, thread.join().unwrap())).into()
    })
}

/// By how much an end outlasts its limit.
fn excess(fault: Fault, end: End, load: Load) -> Duration {
    let server = fault.server();
    let recorder = Recorder::default();
    let mut options = fault.options(server.as_ref());
    options.client_report_recorder = recorder.clone();
    let guard = sentry::init(options);
    let captured = capture(&guard, fault, load);
    if load == Load::Busy {
        guard.flush(Some(Duration::from_millis(100)));
    }
    let took = run(end, guard);
    if !matches!(end, End::Flush | End::PanicHook) {
        let lost = settled(&recorder, captured);
        assert_eq!(lost, captured, "{fault:?}, {end:?}, {load:?}: what was given up is counted");
    }
    took.saturating_sub(end.limit())
}

fn capture(client: &Client, fault: Fault, load: Load) -> u64 {
    let scope = fault.scope();
    let count = if load == Load::Fresh || fault == Fault::FullSendBuffer { 1 } else { 40 };
    for n in 0..count {
        let event = Event { message: Some(format!("event {n}")), ..Default::default() };
        assert!(!client.capture_event(event, Some(&scope)).is_nil());
    }
    count
}

fn run(end: End, guard: ClientInitGuard) -> Duration {
    let limit = Some(end.limit());
    match end {
        End::Flush => {
            let took = timed(|| guard.flush(limit));
            guard.close(Some(Duration::ZERO));
            took
        }
        End::Close => timed(|| guard.close(limit)),
        End::GuardDrop => timed(|| drop(guard)),
        End::DropInCurrentThread => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { timed(|| drop(guard)) })
        }
        End::DropInMultiThread => {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let dropping = runtime.spawn(async { timed(|| drop(guard)) });
            runtime.block_on(dropping).unwrap()
        }
        End::PanicHook => {
            let hub = Arc::new(Hub::new(Hub::main().client(), Arc::default()));
            let took = Hub::run(hub, || timed(|| catch_unwind(|| panic!("on purpose"))));
            guard.close(Some(Duration::ZERO));
            took
        }
    }
}

/// The errors that were lost, once they are as many as there can be: a worker that is compressing when the time is up lets
/// go of its event afterwards.
fn settled(recorder: &Recorder, captured: u64) -> u64 {
    let lost = || {
        let totals = recorder.totals();
        totals.iter().filter(|item| item.category() == Category::Error).map(Item::quantity).sum::<u64>()
    };
    let patience = now() + Duration::from_secs(20);
    while lost() < captured && now() < patience {
        thread::yield_now();
    }
    lost()
}

/// Bytes that no compression makes fewer.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn print(excesses: &BTreeMap<(Fault, End, Load), Duration>) {
    println!("milliseconds over the limit, fresh / busy");
    print!("{:<16}", "");
    End::ALL.iter().for_each(|end| print!("{:>21}", format!("{end:?}")));
    println!();
    for fault in Fault::ALL {
        print!("{:<16}", format!("{fault:?}"));
        for end in End::ALL {
            let of = |load| {
                excesses.get(&(fault, end, load)).map_or(f64::NAN, |excess| excess.as_secs_f64() * 1e3)
            };
            print!("{:>21}", format!("{:.1} / {:.1}", of(Load::Fresh), of(Load::Busy)));
        }
        println!();
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch for the machine that runs this test, not an option")]
fn margin() -> Duration {
    Duration::from_millis(if std::env::var_os("SENTRY_TEST_LONG").is_some() { 50 } else { 450 })
}

fn timed<T>(f: impl FnOnce() -> T) -> Duration {
    let (stalls, start) = (Stalls::watch(), now());
    let _ = f();
    let took = start.elapsed();
    took.saturating_sub(stalls.total())
}

#[expect(clippy::disallowed_methods, reason = "a test measures with the clock of the system")]
fn now() -> Instant {
    Instant::now()
}
