//! The queue while the user has not decided, has agreed, and has refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sentry_core::client_report::Recorder;
use sentry_core::options::{CacheOptions, Consent};
use sentry_core::protocol::client_report::{Category, Item, Reason};
use sentry_core::protocol::{Envelope, Event};
use sentry_core::{ClientOptions, ConsentGate, ConsentState, Transport, TransportOptions, clock};

use crate::background::BackgroundTransport;
use crate::sender::scripted::Scripted;
use crate::spool;

const LONG: Duration = Duration::from_secs(20);
/// What does not wait for its deadline takes less, on a busy machine too.
const SOON: Duration = Duration::from_secs(5);

/// Gone with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-consents-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn entries(&self) -> usize {
        spool::list(&self.0).map_or(0, |entries| entries.len())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Run {
    transport: BackgroundTransport,
    sender: Arc<Scripted>,
    recorder: Recorder,
    gate: ConsentGate,
}

/// Every request is answered with a yes.
fn start(consent: Consent, dir: Option<&Path>) -> Run {
    start_for("http://public@localhost/42", consent, dir)
}

fn start_for(dsn: &str, consent: Consent, dir: Option<&Path>) -> Run {
    let recorder = Recorder::default();
    let cache =
        CacheOptions { dir: dir.map(Path::to_owned), pace: Duration::ZERO, ..CacheOptions::default() };
    let options = ClientOptions {
        dsn: dsn.parse().ok(),
        client_report_recorder: recorder.clone(),
        consent,
        cache,
        ..ClientOptions::default()
    };
    let options = TransportOptions::try_from_client_options(&options).unwrap();
    let gate = options.consent_gate.clone();
    let sender = Arc::new(Scripted::default());
    let transport = BackgroundTransport::with_sender(&options, Arc::clone(&sender) as _);
    Run { transport, sender, recorder, gate }
}

impl Run {
    fn capture(&self, count: usize) {
        for index in 0..count {
            let event = Event { message: Some(index.to_string()), ..Event::new() };
            self.transport.send_envelope(Envelope::from(event));
        }
    }

    /// Flushes, and tells what that said and whether it took a while.
    fn flush(&self) -> (bool, bool) {
        timed(|| self.transport.flush(LONG))
    }

    fn lost(&self) -> Vec<Item> {
        self.recorder.totals()
    }
}

fn timed(wait: impl FnOnce() -> bool) -> (bool, bool) {
    let begun = clock::instant();
    let said = wait();
    (said, begun.elapsed() > SOON)
}

fn no_consent(quantity: u64) -> [Item; 1] {
    [Item::new(Category::Error, Reason::NoConsent, quantity)]
}

fn wait_until(done: impl Fn() -> bool) {
    let patience: Instant = clock::instant() + LONG;
    while !done() {
        assert!(clock::instant() < patience, "in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn without_a_store_what_is_captured_waits_in_memory() {
    let run = start(Consent::Required, None);
    run.capture(5);
    assert_eq!(run.flush(), (false, false));
    assert!(!run.transport.is_idle());
    assert_eq!((run.sender.bodies().len(), run.recorder.stats().queued), (0, 5));
    run.gate.decide(true);
    assert_eq!(run.flush(), (true, false));
    assert_eq!(run.recorder.stats().delivered, 5);
    let bodies = run.sender.bodies().len();
    run.capture(1);
    assert!(run.flush().0 && run.sender.bodies().len() > bodies);
}

#[test]
fn what_does_not_fit_while_it_waits_is_counted_as_ever() {
    let recorder = Recorder::default();
    let options = ClientOptions {
        dsn: "http://public@localhost/42".parse().ok(),
        client_report_recorder: recorder.clone(),
        consent: Consent::Required,
        transport_channel_capacity: std::num::NonZeroUsize::new(3),
        ..ClientOptions::default()
    };
    let options = TransportOptions::try_from_client_options(&options).unwrap();
    let sender = Arc::new(Scripted::default());
    let transport = BackgroundTransport::with_sender(&options, Arc::clone(&sender) as _);
    for _ in 0..10 {
        transport.send_envelope(Envelope::from(Event::new()));
    }
    assert!(!transport.flush(LONG));
    assert_eq!(recorder.totals(), [Item::new(Category::Error, Reason::QueueOverflow, 7)]);
    assert_eq!((recorder.stats().queued, sender.bodies().len()), (3, 0));
}

#[test]
fn a_close_counts_what_is_held_in_memory() {
    let run = start(Consent::Required, None);
    run.capture(3);
    assert_eq!(timed(|| run.transport.shutdown(LONG)), (false, false));
    assert_eq!(run.lost(), no_consent(3));
    let stats = run.recorder.stats();
    assert_eq!((stats.accepted, stats.dropped, stats.queued), (3, 3, 0));
    assert!(run.recorder.is_empty(), "no server is told");
    assert!(run.sender.bodies().is_empty());
}

#[test]
fn with_a_store_what_is_captured_is_on_disk_and_sent_by_a_later_run() {
    let dir = Dir::new("held");
    let run = start(Consent::Required, Some(&dir.0));
    run.capture(40);
    assert_eq!(run.flush(), (true, false));
    assert_eq!((run.recorder.stats().spooled, dir.entries()), (40, 40));
    run.capture(2);
    assert_eq!(timed(|| run.transport.shutdown(LONG)), (true, false));
    assert_eq!((run.recorder.stats().spooled, dir.entries()), (42, 42));
    assert!(run.sender.bodies().is_empty());
    drop(run);

    let undecided = start(Consent::Required, Some(&dir.0));
    assert_eq!(undecided.flush(), (true, false));
    assert!(!undecided.transport.send_crashes(LONG) && undecided.sender.bodies().is_empty());
    undecided.gate.decide(true);
    wait_until(|| dir.entries() == 0);
    assert!(undecided.transport.shutdown(LONG));
    assert_eq!(undecided.sender.bodies().len(), 42);
    drop(undecided);

    let agreed = start(Consent::Required, Some(&dir.0));
    assert_eq!(agreed.gate.state(), ConsentState::Given, "remembered");
    agreed.capture(1);
    assert!(agreed.flush().0);
    assert_eq!(agreed.recorder.stats().delivered, 1);
}

#[test]
fn a_no_removes_everything_and_is_remembered() {
    let dir = Dir::new("no");
    let dead = start_for("http://public@localhost/7", Consent::Required, Some(&dir.0));
    dead.capture(4);
    assert!(dead.transport.shutdown(LONG));
    drop(dead);
    wait_until(|| {
        spool::list(&dir.0).is_ok_and(|entries| entries.iter().all(|it| it.state == spool::State::Orphan))
    });

    let run = start(Consent::Required, Some(&dir.0));
    run.capture(3);
    assert!(run.flush().0);
    assert_eq!(dir.entries(), 7);
    run.gate.decide(false);
    assert_eq!(dir.entries(), 0, "on the spot");
    let lost = [
        Item::new(Category::Default, Reason::NoConsent, 4),
        Item::new(Category::Error, Reason::NoConsent, 3),
    ];
    assert_eq!(run.lost(), lost);
    run.capture(2);
    assert_eq!(run.flush(), (true, false));
    assert_eq!((run.recorder.stats().dropped, dir.entries()), (2, 0));
    assert!(run.transport.shutdown(LONG) && run.sender.bodies().is_empty());
    drop(run);

    let later = start(Consent::NotNeeded, Some(&dir.0));
    assert_eq!(later.gate.state(), ConsentState::Revoked, "whatever the option says");
    later.capture(1);
    assert!(later.flush().0 && later.sender.bodies().is_empty());
    later.gate.decide(true);
    later.capture(1);
    assert!(later.flush().0);
    assert_eq!(later.sender.bodies().len(), 1);
    assert!(later.recorder.is_empty(), "what was refused is not reported either");
}

#[test]
fn a_no_in_memory_counts_what_was_held() {
    let run = start(Consent::Required, None);
    run.capture(6);
    run.gate.decide(false);
    assert_eq!(run.lost(), no_consent(6));
    assert_eq!(run.recorder.stats().queued, 0);
    assert!(run.flush().0 && run.transport.is_idle() && run.sender.bodies().is_empty());
}

#[test]
fn after_a_no_nothing_begins() {
    for round in 0..50 {
        let run = start(Consent::NotNeeded, None);
        run.capture(200);
        if round % 2 == 0 {
            wait_until(|| !run.sender.bodies().is_empty());
        }
        let start = clock::instant();
        run.gate.decide(false);
        // For a worker that is just about to begin a request the decision waits no longer than this.
        let cannot_wait = start.elapsed() >= Duration::from_millis(100);
        let begun = run.sender.bodies().len();
        let most = begun + usize::from(cannot_wait);
        std::thread::sleep(Duration::from_millis(2));
        assert!((begun..=most).contains(&run.sender.bodies().len()));
        run.transport.shutdown(LONG);
        let stats = run.recorder.stats();
        assert_eq!(stats.delivered + stats.dropped, 200, "{stats:?}");
        assert!((begun..=most).contains(&run.sender.bodies().len()));
    }
}

#[test]
fn another_process_is_obeyed() {
    let dir = Dir::new("others");
    let run = start(Consent::Required, Some(&dir.0));
    run.capture(1);
    assert!(run.flush().0);
    spool::consent::remember(&dir.0, false).unwrap();
    wait_until(|| {
        // Something to do, so that it looks.
        run.capture(1);
        run.gate.is_refused()
    });
    wait_until(|| dir.entries() == 0);
    spool::consent::remember(&dir.0, true).unwrap();
    wait_until(|| {
        run.transport.flush(Duration::ZERO);
        run.gate.is_open()
    });
    run.capture(1);
    assert!(run.flush().0);
    assert_eq!(run.sender.bodies().len(), 1);
}

#[test]
fn what_cannot_be_read_may_be_a_no() {
    let dir = Dir::new("unreadable");
    fs::create_dir(&dir.0).unwrap();
    fs::write(dir.0.join("consent"), "who knows").unwrap();
    let run = start(Consent::NotNeeded, Some(&dir.0));
    assert_eq!(run.gate.state(), ConsentState::Unknown);
    run.capture(2);
    assert!(run.flush().0);
    assert_eq!((dir.entries(), run.sender.bodies().len()), (2, 0), "neither sent nor removed");
    run.gate.decide(true);
    wait_until(|| dir.entries() == 0);
    assert_eq!(spool::consent::recall(&dir.0), spool::consent::Said::Given);
}

#[test]
fn a_decision_that_cannot_be_written_counts_for_this_run() {
    let dir = Dir::new("unwritable");
    fs::write(&dir.0, "a file").unwrap();
    let run = start(Consent::Required, Some(&dir.0));
    run.capture(1);
    assert_eq!(run.flush(), (false, false), "in memory, as there is no directory");
    run.gate.decide(true);
    assert!(run.flush().0);
    assert_eq!(run.sender.bodies().len(), 1);
    assert!(run.recorder.stats().last_error.unwrap().contains("consent"));
    fs::remove_file(&dir.0).unwrap();
}
