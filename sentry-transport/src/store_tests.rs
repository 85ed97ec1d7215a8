//! The queue over a store in memory, which outlives the transports that use it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use sentry_core::client_report::Recorder;
use sentry_core::protocol::client_report::Item;
use sentry_core::protocol::{Envelope, Event, SessionUpdate};
use sentry_core::{ClientOptions, Durability, Outbound, Telemetry, Transport, TransportOptions};

use crate::background::BackgroundTransport;
use crate::driver::Runtime;
use crate::queue::{Queue, Setup};
use crate::sender::Response;
use crate::sender::scripted::{Reply, Scripted};
use crate::store::{Entry, EntryId, Kept, Lost, Rank, Record, Store};
use crate::wire::Wire;

const LONG: Duration = Duration::from_secs(20);

/// What is on the disk, and what of it is on its way.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    entries: BTreeMap<u64, (Vec<u8>, Rank, bool)>,
    written: u64,
    read: u64,
    refuses: bool,
    /// A text in what it does not take.
    unwanted: Option<&'static str>,
}

impl Disk {
    /// What is there, as text.
    fn texts(&self) -> Vec<String> {
        let content = self.0.lock().unwrap();
        content.entries.values().map(|(bytes, ..)| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// Waits until there are so many.
    fn wait_for(&self, count: usize) {
        for _ in 0..2_000 {
            if self.texts().len() == count {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("still there: {:?}", self.texts());
    }

    fn read(&self) -> u64 {
        self.0.lock().unwrap().read
    }

    fn written(&self) -> u64 {
        self.0.lock().unwrap().written
    }

    /// The process has died, and another one looks at the disk: nothing is on its way any more.
    fn adopt(&self) {
        self.0.lock().unwrap().entries.values_mut().for_each(|(.., is_held)| *is_held = false);
    }
}

impl Store for Disk {
    fn put(&mut self, record: Record<'_>, _now: SystemTime) -> io::Result<Kept> {
        let mut content = self.0.lock().unwrap();
        if content.refuses {
            return Err(io::Error::other("no room"));
        }
        if content.unwanted.is_some_and(|text| String::from_utf8_lossy(record.bytes).contains(text)) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        content.written += 1;
        let id = content.written;
        content.entries.insert(id, (record.bytes.to_vec(), record.rank, record.is_held));
        Ok(Kept { id: EntryId(id), evicted: Vec::new() })
    }

    fn next(&mut self, _now: SystemTime) -> Option<Entry> {
        let content = &mut *self.0.lock().unwrap();
        let free = content.entries.iter_mut().filter(|(_, entry)| !entry.2);
        let (id, entry) = free.min_by_key(|(id, entry)| (std::cmp::Reverse(entry.1), **id))?;
        entry.2 = true;
        content.read += 1;
        Some(Entry { id: EntryId(*id), rank: entry.1, deaths: 0, bytes: entry.0.clone() })
    }

    fn remove(&mut self, id: EntryId) {
        self.0.lock().unwrap().entries.remove(&id.0);
    }

    fn give_back(&mut self, id: EntryId, _now: SystemTime) -> Option<Vec<u8>> {
        self.0.lock().unwrap().entries.get_mut(&id.0).unwrap().2 = false;
        None
    }

    fn survived(&mut self, _: EntryId) {}

    fn purge(&mut self) -> Vec<Rank> {
        let entries = std::mem::take(&mut self.0.lock().unwrap().entries);
        entries.into_values().filter_map(|(_, rank, is_held)| (!is_held).then_some(rank)).collect()
    }

    fn prepare(&mut self, _now: SystemTime) {}

    fn disown(&mut self) {}

    fn reject(&mut self, id: EntryId) {
        self.remove(id);
    }

    fn expire(&mut self, _now: SystemTime) -> Vec<Lost> {
        Vec::new()
    }

    fn has_crashes(&self) -> bool {
        self.0.lock().unwrap().entries.values().any(|(_, rank, _)| *rank == Rank::Crash)
    }

    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().entries.values().all(|(.., is_held)| *is_held)
    }
}

/// A process with a transport.
struct Process {
    transport: BackgroundTransport,
    sender: Arc<Scripted>,
    recorder: Recorder,
}

fn start(disk: &Disk, script: Vec<Reply>, keeps_all: bool) -> Process {
    let recorder = Recorder::default();
    let options = ClientOptions {
        dsn: "http://public@localhost/42".parse().ok(),
        client_report_recorder: recorder.clone(),
        ..ClientOptions::default()
    };
    let options = TransportOptions::try_from_client_options(&options).unwrap();
    let sender = Arc::new(Scripted::new(script));
    let (for_setup, disk) = (Arc::clone(&sender), disk.clone());
    let setup = Setup {
        make_sender: Box::new(move || Arc::clone(&for_setup) as _),
        runtime: Runtime::Park,
        report_interval: Duration::from_secs(30),
        wire: Wire::new(&options),
        errors: None,
        request_timeout: options.http.request_timeout,
        max_in_flight: std::num::NonZeroUsize::new(2),
        flood_control: options.flood_control,
        open_store: Some(Box::new(move || Some(Box::new(disk.clone())))),
        home: None,
        keeps_all,
        pace: Duration::from_millis(1),
        backpressure: true,
        revival: options.revival.clone(),
        gate: options.consent_gate.clone(),
        records: std::sync::OnceLock::new(),
    };
    let transport = BackgroundTransport { queue: Queue::new(setup, recorder.clone()) };
    Process { transport, sender, recorder }
}

impl Process {
    fn send(&self, count: usize) {
        for index in 0..count {
            let event = Event { message: Some(format!("number {index}.")), ..Event::default() };
            self.transport.send_envelope(event.into());
        }
    }

    fn lost(&self) -> u64 {
        self.recorder.totals().iter().map(Item::quantity).sum()
    }

    /// Waits until the books are closed: the worker counts what a deadline has cut off when it gets to run.
    fn settle(&self) {
        for _ in 0..4_000 {
            if self.recorder.stats().queued == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{:?}", self.recorder.stats());
    }

    /// How often each event was sent.
    fn tries(&self, count: usize) -> Vec<usize> {
        let bodies = self.sender.bodies();
        (0..count)
            .map(|index| bodies.iter().filter(|body| body.contains(&format!("number {index}."))).count())
            .collect()
    }

    /// Waits until the disk is empty.
    fn drain(&self, disk: &Disk) {
        disk.wait_for(0);
    }
}

#[test]
fn what_a_hanging_server_has_not_taken_is_delivered_by_the_next_process() {
    let disk = Disk::default();
    let first = start(&disk, vec![Reply::Hang; 1_000], false);
    first.send(300);
    // Enough to write everything on a busy machine, too. Whether the worker says so in time is another matter.
    first.transport.shutdown(Duration::from_secs(3));
    first.settle();
    assert_eq!((disk.texts().len(), first.lost()), (300, 0), "nothing is given up");
    let stats = first.recorder.stats();
    assert_eq!((stats.accepted, stats.spooled, stats.queued), (300, 300, 0));

    let second = start(&disk, vec![], false);
    second.transport.wake();
    second.drain(&disk);
    assert_eq!(second.tries(300), [1; 300]);
    assert_eq!(second.lost(), 0);
}

#[test]
fn an_outage_goes_to_disk_and_comes_back_by_itself() {
    let disk = Disk::default();
    let process = start(&disk, vec![Reply::Refuse; 4], false);
    process.send(50);
    for _ in 0..400 {
        if disk.written() >= 40 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(disk.written() >= 40, "{}", disk.written());
    assert!(process.transport.flush(LONG));
    process.drain(&disk);
    assert!(process.tries(50).iter().all(|tries| (1..=5).contains(tries)));
    assert_eq!(process.lost(), 0);
}

#[test]
fn a_hiccup_leaves_the_disk_alone() {
    for hiccup in [Reply::Refuse, Reply::Interrupted] {
        let disk = Disk::default();
        let process = start(&disk, vec![hiccup], false);
        process.send(20);
        assert!(process.transport.flush(LONG));
        assert_eq!((disk.written(), process.lost()), (0, 0));
    }
}

#[test]
fn the_policy_that_keeps_all_writes_before_it_sends_and_removes_after_any_answer() {
    let disk = Disk::default();
    let process = start(&disk, vec![Reply::Hang], true);
    process.send(1);
    process.sender.wait_for(1);
    assert_eq!(disk.texts().len(), 1, "before the answer");
    process.transport.shutdown(Duration::from_millis(100));
    process.settle();
    assert_eq!((disk.texts().len(), process.lost()), (1, 0));
    disk.adopt();
    let statuses = [200, 400, 413, 500, 429].map(|status| Reply::Answer(Response::new(status)));
    let process = start(&disk, statuses.to_vec(), true);
    process.send(4);
    assert!(process.transport.flush(LONG));
    process.drain(&disk);
}

#[test]
fn what_waits_is_on_disk_and_the_first_of_it_at_hand() {
    let disk = Disk::default();
    let process = start(&disk, vec![Reply::Hang], true);
    process.send(50);
    process.sender.wait_for(50);
    // All but the one that nobody answers.
    disk.wait_for(1);
    assert_eq!((disk.written(), disk.read()), (50, 0));
    assert_eq!(process.tries(50), [1; 50]);

    let process = start(&disk, vec![Reply::Hang; 1_000], true);
    process.send(300);
    disk.wait_for(301);
    // As if it had been killed.
    disk.adopt();
    let heir = start(&disk, vec![], true);
    heir.transport.wake();
    heir.drain(&disk);
    assert_eq!(heir.tries(300)[1..], [1; 299]);
    assert_eq!(process.lost() + heir.lost(), 0);
}

/// Sends one after the other, each to a worker that sleeps, and waits until it is on disk.
fn each_is_written(process: &Process, disk: &Disk, from: usize) {
    for written in from..from + 5 {
        std::thread::sleep(Duration::from_millis(30));
        process.send(1);
        disk.wait_for(written + 1);
    }
    // And the worker rests behind it.
    let looks = || process.transport.queue.shared().looks.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(100));
    let before = looks();
    std::thread::sleep(Duration::from_millis(500));
    assert!(looks() - before <= 12, "{} looks", looks() - before);
}

#[test]
fn what_is_captured_while_every_request_hangs_is_on_disk_at_once() {
    let disk = Disk::default();
    let process = start(&disk, vec![Reply::Hang; 100], true);
    process.send(2);
    process.sender.wait_for(2);
    each_is_written(&process, &disk, 2);
    assert_eq!(process.sender.bodies().len(), 2);
}

#[test]
fn what_is_captured_while_the_server_wants_to_be_left_alone_is_on_disk_at_once() {
    let disk = Disk::default();
    let pause = Response::new(503).with_header("Retry-After", "60");
    let process = start(&disk, vec![Reply::Answer(pause)], true);
    process.send(1);
    process.sender.wait_for(1);
    each_is_written(&process, &disk, 1);
    assert_eq!(process.sender.bodies().len(), 1);
}

/// Errors of one session have to keep their order. That does not keep them from the disk.
#[test]
fn what_follows_something_that_waits_is_on_disk_at_once() {
    let disk = Disk::default();
    let pause = Response::new(503).with_header("Retry-After", "60");
    let process = start(&disk, vec![Reply::Answer(pause)], true);
    for index in 0..150 {
        let event = Event { message: Some(format!("number {index}.")), ..Event::default() };
        let mut envelope = Envelope::from(event);
        envelope.add_item(session(index));
        process.transport.send_envelope(envelope);
        process.sender.wait_for(1);
    }
    disk.wait_for(150);
    assert_eq!((process.sender.bodies().len(), process.lost()), (1, 0));
}

fn session(errors: u64) -> SessionUpdate<'static> {
    let json = format!(
        r#"{{"sid":"3de50ba8-0000-4000-8000-9ecb8d7d8da2","seq":{errors},"init":false,"status":"ok",
            "started":"2024-01-01T00:00:00Z","attrs":{{"release":"r"}},"errors":{errors}}}"#
    );
    serde_json::from_str(&json).unwrap()
}

#[test]
fn one_that_the_disk_does_not_want_keeps_no_other_from_it() {
    let disk = Disk::default();
    disk.0.lock().unwrap().unwanted = Some("unwanted");
    let pause = Response::new(503).with_header("Retry-After", "60");
    let process = start(&disk, vec![Reply::Answer(pause)], true);
    process.send(1);
    process.sender.wait_for(1);
    let unwanted = Event { message: Some("unwanted".into()), ..Event::default() };
    process.transport.send_envelope(unwanted.into());
    process.send(20);
    disk.wait_for(21);
    assert_eq!((process.sender.bodies().len(), process.lost()), (1, 0));
}

/// Batches, too, when it is their time.
#[test]
fn logs_are_on_disk_in_seconds_whatever_the_server_does() {
    for reply in [Reply::Hang, Reply::Answer(Response::new(503).with_header("Retry-After", "60"))] {
        let disk = Disk::default();
        let process = start(&disk, vec![reply; 100], true);
        process.send(2);
        process.sender.wait_for(1);
        disk.wait_for(2);
        for index in 0..10 {
            let log = Telemetry::log(format!(r#"{{"body":"log {index}"}}"#).into_bytes());
            process.transport.send(Outbound::from_telemetry(log));
        }
        disk.wait_for(3);
        assert!(disk.texts().iter().any(|text| text.contains("log 9")));
    }
}

#[test]
fn a_disk_that_refuses_costs_neither_memory_nor_rest() {
    let disk = Disk::default();
    disk.0.lock().unwrap().refuses = true;
    let process = start(&disk, vec![Reply::Hang; 100], true);
    process.send(2);
    process.sender.wait_for(2);
    let looks = || process.transport.queue.shared().looks.load(std::sync::atomic::Ordering::Relaxed);
    let (before, begun) = (looks(), sentry_core::clock::instant());
    for index in 0..400 {
        let message = format!("number {index}. {}", "x".repeat(100_000));
        process.transport.send_envelope(Event { message: Some(message), ..Event::default() }.into());
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(100));
    // A few before it is known to refuse, and again every five seconds.
    let (looks, most) = (looks() - before, 40 + 10 * begun.elapsed().as_secs());
    assert!(looks <= most, "{looks} looks");
    let queued = process.recorder.stats().queued;
    assert!(queued <= 120, "{queued} of 100 kB each");
    assert_eq!(queued + process.lost(), 402);
}

/// A crash that could not be stored where it happened, since a processor has to see it first.
#[test]
fn a_crash_stays_one_whenever_it_is_written() {
    let disk = Disk::default();
    let process = start(&disk, vec![Reply::Hang; 100], true);
    process.send(2);
    process.sender.wait_for(2);
    let options = ClientOptions {
        dsn: "http://public@localhost/42".parse().ok(),
        transport: Some(Arc::new(Arc::new(process.transport))),
        ..ClientOptions::default()
    };
    let hub = sentry_core::Hub::new(Some(Arc::new(options.into())), Arc::default());
    hub.configure_scope(|scope| scope.add_event_processor(Some));
    let event = Event { message: Some("crashed".into()), ..Event::default() };
    hub.capture_fatal(event, None, sentry_core::Class::Normal);
    disk.wait_for(3);
    let content = disk.0.lock().unwrap();
    let (bytes, rank, _) = content.entries.last_key_value().unwrap().1;
    assert!(String::from_utf8_lossy(bytes).contains("crashed"));
    assert_eq!(*rank, Rank::Crash);
}

#[test]
fn a_disk_that_refuses_leaves_everything_in_memory() {
    let disk = Disk::default();
    disk.0.lock().unwrap().refuses = true;
    let process = start(&disk, vec![Reply::Refuse; 3], true);
    process.send(30);
    assert!(process.transport.flush(LONG));
    assert_eq!(process.lost(), 0);
    let process = start(&disk, vec![Reply::Hang; 100], true);
    process.send(30);
    assert!(!process.transport.shutdown(Duration::from_millis(200)));
    process.settle();
    assert_eq!(process.lost(), 30);
}

#[test]
fn a_limit_stops_the_replay() {
    let disk = Disk::default();
    let first = start(&disk, vec![Reply::Hang; 100], false);
    first.send(10);
    first.transport.shutdown(Duration::from_secs(1));
    first.settle();
    assert_eq!((disk.texts().len(), first.lost()), (10, 0));
    let limited = Response::new(200).with_header("X-Sentry-Rate-Limits", "60:error:key");
    let second = start(&disk, vec![Reply::Answer(limited)], false);
    second.transport.wake();
    second.sender.wait_for(1);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(second.sender.bodies().len(), 1);
    assert_eq!(disk.texts().len(), 9);
}

#[test]
fn losses_are_reported_once_although_their_envelope_was_kept() {
    let disk = Disk::default();
    let process = start(&disk, vec![Reply::Refuse; 3], true);
    process.recorder.record(
        sentry_core::protocol::client_report::Reason::BeforeSend,
        sentry_core::protocol::client_report::Category::Error,
        7,
    );
    process.send(3);
    assert!(process.transport.flush(LONG));
    process.drain(&disk);
    assert!(process.transport.shutdown(LONG));
    let delivered: Vec<_> = process.sender.bodies().split_off(3);
    assert_eq!(delivered.iter().filter(|body| body.contains("\"quantity\":7")).count(), 1);
    assert!(disk.texts().iter().all(|text| !text.contains("client_report")));
}

#[test]
fn a_crash_is_on_disk_before_its_capture_returns() {
    let disk = Disk::default();
    let process = start(&disk, vec![Reply::Hang; 10], false);
    let transport = Arc::new(process.transport);
    let options = ClientOptions {
        dsn: "http://public@localhost/42".parse().ok(),
        transport: Some(Arc::new(Arc::clone(&transport))),
        ..ClientOptions::default()
    };
    let hub = sentry_core::Hub::new(Some(Arc::new(sentry_core::Client::from(options))), Arc::default());
    let event = Event { message: Some("crashed".into()), ..Event::default() };
    hub.capture_fatal(event, None, sentry_core::Class::Normal);
    assert_eq!(disk.texts().len(), 1);
    assert!(disk.texts()[0].contains("crashed"));
    assert_eq!(disk.0.lock().unwrap().entries.values().next().unwrap().1, Rank::Crash);
    assert!(disk.is_empty(), "it is on its way: nobody else sends it");
    transport.shutdown(Duration::from_millis(100));
    assert_eq!((disk.texts().len(), disk.written()), (1, 1));
    let _ = Durability::Process;
}

#[test]
fn a_close_rests_though_the_store_is_full_of_work() {
    let disk = Disk::default();
    let first = start(&disk, vec![Reply::Refuse; 1_000], false);
    first.send(20);
    first.transport.shutdown(Duration::from_millis(300));
    assert!(!disk.is_empty());
    let limited = Response::new(200).with_header("X-Sentry-Rate-Limits", "60:transaction:key");
    let second = start(&disk, vec![Reply::Answer(limited), Reply::Hang, Reply::Hang], false);
    second.send(1);
    second.sender.wait_for(2);
    let looks = || second.transport.queue.shared().looks.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        scope.spawn(|| second.transport.shutdown(Duration::from_secs(3)));
        std::thread::sleep(Duration::from_millis(1_200));
        let before = looks();
        std::thread::sleep(Duration::from_secs(1));
        let looks = looks() - before;
        assert!(looks < 20, "{looks} looks in a second");
    });
}

#[test]
fn what_is_counted_as_lost_is_not_kept_as_well() {
    let limited = Response::new(200).with_header("X-Sentry-Rate-Limits", "60:error:key");
    let disk = Disk::default();
    let process = start(&disk, vec![Reply::Interrupted, Reply::Answer(limited)], true);
    process.send(1);
    process.sender.wait_for(1);
    process.send(1);
    process.sender.wait_for(2);
    assert!(process.transport.flush(LONG));
    assert!(disk.texts().is_empty(), "{:?}", disk.texts());
    assert_eq!(process.lost(), 1);

    let process = start(&disk, vec![Reply::Panic], true);
    process.send(1);
    assert!(process.transport.flush(LONG));
    assert_eq!((disk.texts().len(), process.lost()), (0, 1));
}
