//! How the event of a crash gets out.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ingest::Server;
use sentry::protocol::Value;

use crate::cache::Cache;
use crate::cases::Case;
use crate::crashing::{Ended, run, unsent};
use crate::{event, path};

/// A process that lives so long with the SDK may have been cut off: it has two seconds to send, and dies then, whether it has heard the
/// answer of the server or not. Only then the same event may arrive again.
const CUT_OFF: Duration = Duration::from_millis(1_800);

/// How an event is to arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the dying process.
    AtOnce,
    /// By the next start, finished and stored by the dying process: nobody listens meanwhile.
    Spool,
    /// By the next start, from the record: from the crash on nobody in the dying process gets memory, so whatever wants some before
    /// its record is complete never ends, and there is none.
    Record,
}

impl Way {
    /// What the child is to do.
    fn hint(self, case: &Case) -> &'static str {
        match (self, case.kind) {
            (Self::AtOnce | Self::Spool, _) => "",
            // The child itself goes on to use what it has broken.
            (Self::Record, "heap") => "hang",
            (Self::Record, _) => "no-memory",
        }
    }
}

/// What came of a crash.
pub(crate) struct Crash {
    /// The event came from the process that crashed.
    pub(crate) at_once: bool,
    /// That process may have died while it was sending.
    pub(crate) is_cut_off: bool,
    /// The function, its file and its line are right.
    pub(crate) is_named: bool,
}

/// Runs a child of one kind, and its successor.
pub(crate) fn check(program: &Path, case: &Case, place: &str, way: Way) -> Crash {
    let about = format!("{} {place} {way:?}", case.kind);
    let cache = Cache::new("native");
    let server = Server::start();
    let dsn = server.dsn();
    let bare = run(program, &["-", "-", case.kind, place, ""]);
    if way == Way::Spool {
        server.refuse();
    }
    let died = run(program, &[&dsn, path(&cache), case.kind, place, way.hint(case)]);
    if case.kind == "heap" {
        // What a broken heap does depends on what lies in it.
        let is_signal = std::os::unix::process::ExitStatusExt::signal(&died.status).is_some();
        assert!(is_signal, "{about}: {:?}", died.status);
    } else {
        assert_eq!(died.status, bare.status, "{about}: ends otherwise; {}", died.error);
        assert_eq!(died.error, bare.error, "{about}: says something else");
    }
    assert!(died.took < Duration::from_secs(10), "{about}: took {:?}", died.took);
    if way == Way::Spool {
        server.resume();
    }
    let at_once = server.events().len();
    assert!(at_once == 0 || way == Way::AtOnce, "{about}: from the dying process");
    succeed(program, &dsn, &cache);
    let events = arrived(&server, way == Way::AtOnce && is_cut_off(&died));
    assert_eq!(events.len(), 1, "{about}");
    let is_named = event::verify(&events[0], case, place, way, &died, &about);
    assert_eq!(unsent(&cache.0), Vec::<PathBuf>::new(), "{about}: left behind");
    Crash { at_once: at_once > 0, is_cut_off: is_cut_off(&died), is_named }
}

/// The next start, which reports what is left; and those after it, where the machine had no time for that. What was cut off while it
/// was sent is not due at once.
pub(crate) fn succeed(program: &Path, dsn: &str, cache: &Cache) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let next = run(program, &[dsn, path(cache), "nothing", "main", ""]);
        assert_eq!(next.status.code(), Some(0), "{}", next.error);
        if unsent(&cache.0).is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What arrived, each event id once: the same event twice is wrong unless its process was cut off while it sent.
pub(crate) fn arrived(server: &Server, may_be_sent_twice: bool) -> Vec<Value> {
    let mut events = server.wait_for_events(1, Duration::from_secs(5));
    let count = events.len();
    events.sort_by_key(|event| event["event_id"].to_string());
    events.dedup_by_key(|event| event["event_id"].to_string());
    assert!(events.len() == count || may_be_sent_twice, "{count} events");
    events
}

pub(crate) fn is_cut_off(died: &Ended) -> bool {
    died.took > CUT_OFF
}
