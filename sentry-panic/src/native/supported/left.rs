//! Reporting what earlier runs have left, each crash once.
//!
//! ```text
//! record, claimed ─┬─ its event is in the spool: the process that died got that far ─► removed
//!                  └─ event ─► client ─┬─ in the spool, dropped, or sent               ─► removed
//!                                      └─ in memory only (the disk is full)            ─► kept, and claimed, until it is sent
//! ```
//!
//! **All records are compared with the spool before the first event is captured**: from then on the worker sends, and removes, what
//! is there. A process that dies between its event and its record has both, with the same id.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sentry_core::protocol::Envelope;
use sentry_core::types::Uuid;
use sentry_core::{Client, CrashedRun, LastRun, START_UP, clock};

use super::directory::{Directory, Left};
use super::report::{self, Naming};
use crate::backtrace::NativeStackSource;
use crate::sync::lock;

/// How long names may be looked for.
const NAMING: Duration = Duration::from_secs(3);

/// Records whose events are in memory only, and how many items were lost before. A handful: so many are claimed at a start.
static UNSETTLED: Mutex<Vec<(Left, u64)>> = Mutex::new(Vec::new());

/// Reports what is left, and tells how the last of these runs ended.
pub(super) fn report(client: &Arc<Client>, directory: &Directory) -> LastRun {
    let left = directory.left();
    let cache = client.options().cache.dir.as_deref();
    let is_kept = |left: &Left| cache.is_some_and(|cache| is_spooled(cache, left.record.head.event_id));
    let mut last = LastRun::Unknown;
    let (reported, unreported): (Vec<Left>, Vec<Left>) = left.into_iter().partition(is_kept);
    for left in reported.iter().chain(&unreported) {
        let record = &left.record;
        let run = CrashedRun::new(record.head.event_id, record.time(), record.age() < START_UP);
        last = last.or(LastRun::Crashed(run));
    }
    reported.into_iter().for_each(Left::remove);
    for left in unreported {
        let lost = client.stats().dropped;
        let is_taken = capture(client, &left) || is_kept(&left) || client.flush(Some(Duration::ZERO));
        if is_taken {
            left.remove();
        } else {
            lock(&UNSETTLED).push((left, lost));
        }
    }
    last
}

/// At the end of the client: what could not be sent is left to the next start.
pub(super) fn settle(client: &Client) {
    let unsettled = std::mem::take(&mut *lock(&UNSETTLED));
    if unsettled.is_empty() || !client.flush(Some(Duration::ZERO)) {
        return;
    }
    let lost = client.stats().dropped;
    let is_sent = |(left, before): (Left, u64)| (before == lost).then_some(left);
    unsettled.into_iter().filter_map(is_sent).for_each(Left::remove);
}

/// Removes what waits.
pub(super) fn forget() {
    let unsettled = std::mem::take(&mut *lock(&UNSETTLED));
    unsettled.into_iter().for_each(|(left, _)| left.remove());
}

/// `true`: it was dropped, and nothing is left to wait for.
fn capture(client: &Client, left: &Left) -> bool {
    let source = NativeStackSource::for_options(client.options());
    // What nobody came back from may have been the search for names.
    let deadline = (left.tries == 0).then(|| clock::instant() + NAMING);
    let event = report::of_record(&left.record, &Naming { source: &source, deadline });
    report::is_end_of_panic(&left.record.crash, &event) || client.capture_crash(event, None).is_nil()
}

/// Whether the event with this id lies below the cache directory: the names there carry it. One that cannot be read does not count: who
/// crashed with a ruined heap may have written anything.
pub(super) fn is_spooled(cache: &Path, id: Uuid) -> bool {
    let id = id.simple().to_string();
    let mut folders = vec![(cache.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < 2 {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() // a pipe would block
                && entry.file_name().to_str().is_some_and(|name| name.contains(&id) && name.ends_with(".env"))
                && is_whole(&entry.path())
            {
                return true;
            }
        }
    }
    false
}

/// Whether a server would understand what the file says.
fn is_whole(path: &Path) -> bool {
    let envelope = Envelope::from_path(path);
    envelope.is_ok_and(|envelope| envelope.event().is_some_and(|event| !event.exception.is_empty()))
}
