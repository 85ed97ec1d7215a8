//! The client whose crashes are reported, its record, and what its predecessors have left.

mod bytes;
mod directory;
mod meaning;
mod outlines;
mod panics;
#[path = "linux/mod.rs"]
mod platform;
mod publish;
mod record;
mod report;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sentry_core::protocol::Event;
use sentry_core::types::Uuid;
use sentry_core::{Client, CrashedRun, LastRun, START_UP, clock, diagnostics, watch};

use self::directory::{Directory, Left};
use self::record::{ARCHITECTURE, Crash, Head};
use self::report::Naming;
use crate::backtrace::NativeStackSource;
use crate::modules;
use crate::sync::{lock, try_lock};

pub(super) use self::platform::protect_thread;

/// The run that crashes are reported for.
static RUN: Mutex<Option<Run>> = Mutex::new(None);

#[derive(Clone)]
struct Run {
    client: Client,
    head: Head,
    /// The cache directory and the record in it.
    places: Option<(PathBuf, PathBuf)>,
}

impl Run {
    /// Nothing will be written to its record any more. That of a parent is left to the parent.
    fn forget(&self) {
        if let Some((_, record)) = &self.places
            && self.head.process == platform::process()
        {
            let _ = fs::remove_file(record);
        }
    }
}

/// How long names may be looked for, after a crash and in a process that is dying.
const NAMING_AT_START: Duration = Duration::from_secs(3);
const NAMING_IN_CRASH: Duration = Duration::from_millis(1_200);
/// How long the dying process tries in all; its thread waits a little longer.
const SENDING: Duration = Duration::from_millis(1_900);

pub(super) fn start(client: &Arc<Client>) -> LastRun {
    let directory = directory(client);
    let last = directory.as_ref().map_or(LastRun::Unknown, |directory| report_left(client, directory));
    if let Err(error) = arm(client, directory.as_ref()) {
        diagnostics::warn_once("crash-handler", || format!("native crashes are not captured: {error}"));
    }
    last
}

/// A panic on this thread was reported by the hook, which runs on this stack.
pub(crate) fn panic_was_reported(addresses: &[usize]) {
    panics::note(platform::thread(), addresses);
}

pub(super) fn stop(client: &Client) {
    let mut run = lock(&RUN);
    if run.as_ref().is_some_and(|run| run.client.is_same(client)) {
        platform::disarm();
        run.take().iter().for_each(Run::forget);
    }
}

/// Removes what runs that are over have left.
pub(super) fn forget(client: &Client) {
    if client.options().cache.dir.is_some() {
        directory(client).iter().flat_map(Directory::left).for_each(Left::remove);
    }
}

fn directory(client: &Client) -> Option<Directory> {
    let options = client.options();
    let Some(cache) = &options.cache.dir else {
        diagnostics::warn_once("crash-cache", || {
            "without a cache directory a native crash is reported only if the dying process can still send it"
                .to_owned()
        });
        return None;
    };
    match Directory::open(cache, options.dsn.as_ref()?) {
        Ok(directory) => Some(directory),
        Err(error) => {
            diagnostics::warn_once("crash-cache", || format!("no place for native crashes: {error}"));
            None
        }
    }
}

fn arm(client: &Arc<Client>, directory: Option<&Directory>) -> io::Result<()> {
    let head = Head {
        event_id: Uuid::new_v4(),
        process: platform::process(),
        started: platform::now(),
        architecture: ARCHITECTURE,
    };
    let mut places = None;
    if let (Some(directory), Some(cache)) = (directory, &client.options().cache.dir) {
        match directory.create(&head).and_then(|(file, path)| platform::set_record(file).map(|()| path)) {
            Ok(path) => places = Some((cache.clone(), path)),
            Err(error) => {
                diagnostics::warn_once("crash-cache", || format!("no place for native crashes: {error}"));
            }
        }
    }
    let previous = lock(&RUN).replace(Run { client: Client::clone(client), head, places });
    previous.iter().for_each(Run::forget);
    write_modules();
    protect_thread()?;
    platform::arm(send)?;
    publish::start()
}

/// Writes the list of modules ahead.
fn write_modules() {
    static WRITTEN: AtomicU32 = AtomicU32::new(2);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let images = modules::images();
    let fitting = [images.len(), images.len().min(500)].into_iter().find_map(|count| {
        let json = serde_json::to_vec(images.get(..count)?).ok()?;
        (json.len() <= record::LARGEST_MODULES).then_some(json)
    });
    let images = fitting.unwrap_or_default();
    platform::write_modules(&images, number);
    let run = lock(&RUN).clone();
    if let Some(Run { head, places: Some((_, record)), .. }) = run {
        let path = directory::of_children(&record);
        platform::prepare_children(platform::Prepared { head, path, after: directory::AFTER, images });
    }
}

/// Phase two: hands the event of this process over. `sent` is told as soon as nobody else has to.
fn send(crash: &Crash, sent: &dyn Fn()) {
    let begun = clock::instant();
    let Some(run) = try_lock(&RUN).and_then(|run| run.clone()) else { return };
    let scope = watch::scope_of(crash.thread);
    // Fresher than what was kept ahead, should nothing else succeed.
    if let Some(json) = scope.as_ref().and_then(|scope| publish::outline(&run.client, scope)) {
        platform::write_scope(&json, 1);
    }
    let options = run.client.options();
    let source = NativeStackSource::for_options(options);
    let naming = Naming { source: &source, deadline: Some(begun + NAMING_IN_CRASH) };
    let base = Event { timestamp: clock::now(), ..Event::default() };
    let event = report::event(&run.head, crash, base, modules::images().to_vec(), &naming);
    let id = run.client.capture_crash(event, Some(&scope.unwrap_or_default()));
    let is_kept = || run.places.as_ref().is_some_and(|(cache, _)| is_spooled(cache, run.head.event_id));
    // A callback or sampling has decided; the next start would only ask again.
    if id.is_nil() || is_kept() {
        sent();
    }
    if run.client.flush(Some((begun + SENDING).saturating_duration_since(clock::instant()))) {
        sent();
    }
}

/// Reports what earlier runs have left.
fn report_left(client: &Arc<Client>, directory: &Directory) -> LastRun {
    let mut last = LastRun::Unknown;
    for left in directory.left() {
        let run =
            CrashedRun::new(left.record.head.event_id, left.record.time(), left.record.age() < START_UP);
        report_one(client, left);
        last = last.or(LastRun::Crashed(run));
    }
    last
}

fn report_one(client: &Client, left: Left) {
    let options = client.options();
    let is_kept =
        options.cache.dir.as_deref().is_some_and(|cache| is_spooled(cache, left.record.head.event_id));
    if !is_kept {
        let source = NativeStackSource::for_options(options);
        // What nobody came back from may have been the search for names.
        let deadline = (left.tries == 0).then(|| clock::instant() + NAMING_AT_START);
        let event = report::of_record(&left.record, &Naming { source: &source, deadline });
        client.capture_crash(event, None);
    }
    left.remove();
}

/// Whether an event with this id lies below the cache directory: the names there carry it.
fn is_spooled(cache: &Path, id: Uuid) -> bool {
    let id = id.simple().to_string();
    let mut folders = vec![(cache.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && depth < 2 {
                folders.push((entry.path(), depth + 1));
            } else if !is_folder
                && entry.file_name().to_str().is_some_and(|name| name.contains(&id) && name.ends_with(".env"))
            {
                return true;
            }
        }
    }
    false
}
