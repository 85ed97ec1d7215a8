use std::sync::atomic::{AtomicU32, Ordering};
use std::time::UNIX_EPOCH;

use super::*;
use crate::transport::Transport;
use crate::{ClientOptions, Envelope};

fn crash(second: u64) -> LastRun {
    let time = UNIX_EPOCH + Duration::from_secs(second);
    LastRun::Crashed(CrashedRun::new(Uuid::from_u128(second.into()), time, true))
}

/// Knows how the last run ended.
struct Knows(LastRun);

impl Transport for Knows {
    fn send_envelope(&self, _: Envelope) {}

    fn start(&self) -> LastRun {
        self.0.clone()
    }
}

fn client(last_run: LastRun, callback: impl Fn(&CrashedRun) + Send + Sync + 'static) -> Client {
    let options = ClientOptions::new()
        .dsn("http://public@127.0.0.1:9/1")
        .on_crashed_last_run(callback)
        .transport(Arc::new(Knows(last_run)));
    Client::with_options(options)
}

#[test]
fn the_later_crash_counts_and_knowledge_counts_over_none() {
    assert_eq!(crash(1).or(crash(2)), crash(2));
    assert_eq!(crash(2).or(crash(1)), crash(2));
    assert_eq!(LastRun::Ended.or(crash(1)), crash(1));
    assert_eq!(crash(1).or(LastRun::Unknown), crash(1));
    assert_eq!(LastRun::Unknown.or(LastRun::Ended), LastRun::Ended);
    assert_eq!(LastRun::Unknown.or(LastRun::Unknown).crashed(), None);
}

#[test]
fn the_callback_runs_once_and_what_is_known_stays_known() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let client = client(crash(7), |run| {
        assert_eq!(run.event_id, Uuid::from_u128(7));
        CALLS.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(client.last_run(), LastRun::Unknown, "nobody has asked yet");
    client.start(LastRun::Unknown);
    client.start(crash(9));
    assert_eq!(client.last_run(), crash(7));
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
}

#[test]
fn without_a_crash_nobody_is_called_and_a_panic_in_the_callback_ends_there() {
    let ended = client(LastRun::Ended, |_| panic!("there was no crash"));
    ended.start(LastRun::Unknown);
    assert_eq!(ended.last_run().crashed(), Some(false));
    let panics = client(crash(1), |_| panic!("expected by the test"));
    panics.start(LastRun::Unknown);
    assert_eq!(panics.last_run().crashed(), Some(true));
}

#[test]
fn what_a_crash_handler_found_is_enough() {
    let client = client(LastRun::Unknown, |_| {});
    client.start(crash(3));
    assert_eq!(client.last_run(), crash(3));
    let off = Client::with_options(ClientOptions::new());
    off.start(LastRun::Unknown);
    assert_eq!(off.last_run().crashed(), None);
}
