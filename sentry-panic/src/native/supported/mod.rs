//! The client whose crashes are reported, its record, and what its predecessors have left.

mod bytes;
mod directory;
mod left;
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
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sentry_core::protocol::Event;
use sentry_core::types::Uuid;
use sentry_core::{Client, LastRun, Scope, clock, diagnostics, process, watch};

use self::directory::{Directory, Left};
use self::record::{ARCHITECTURE, Crash, Head};
use self::report::Naming;
use crate::backtrace::NativeStackSource;
use crate::modules;
use crate::sync::{lock, try_lock};
use crate::thread;

pub(super) use self::platform::protect_thread;
#[cfg(feature = "hang")]
pub(crate) use self::platform::{Stacks, Taken};

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

/// How long names may be looked for in a process that is dying.
const NAMING_IN_CRASH: Duration = Duration::from_millis(1_200);
/// How often to ask for a scope that is locked, a millisecond apart.
const SCOPE_LOOKS: u32 = 50;
/// How long the dying process tries in all; its thread waits a little longer.
const SENDING: Duration = Duration::from_millis(1_900);

pub(super) fn start(client: &Arc<Client>) -> LastRun {
    let directory = directory(client);
    let last = directory.as_ref().map_or(LastRun::Unknown, |directory| left::report(client, directory));
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
    drop(run);
    left::settle(client);
}

/// Removes what runs that are over have left.
pub(super) fn forget(client: &Client) {
    if client.options().cache.dir.is_some() {
        left::forget();
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
        let created = platform::may_write().and_then(|()| directory.create(&head));
        let set = |(file, path): (fs::File, PathBuf)| match platform::set_record(file) {
            Ok(()) => Ok(path),
            Err(error) => {
                // The disk is full, likely.
                let _ = fs::remove_file(&path);
                Err(error)
            }
        };
        match created.and_then(set) {
            Ok(path) => places = Some((cache.clone(), path)),
            Err(error) => {
                diagnostics::warn_once("crash-cache", || format!("no place for native crashes: {error}"));
            }
        }
    }
    let previous = lock(&RUN).replace(Run { client: Client::clone(client), head, places });
    previous.iter().for_each(Run::forget);
    let generation = modules::generation();
    write_modules();
    process::watch_marks(platform::set_marks);
    protect_thread()?;
    platform::arm(send)?;
    publish::start(generation)
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

/// The scope that the thread has crashed in. Another thread that looks at it at this moment is waited for, but not for long: the
/// one that has crashed may hold the lock.
fn scope_of(thread: u32) -> Option<Scope> {
    (0..SCOPE_LOOKS).find_map(|look| {
        if look > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        watch::scope_of(thread)
    })
}

/// Phase two: hands the event of this process over. `sent` is told as soon as nobody else has to. Without a crash, the process dies of
/// a panic whose event is on its way: that is all there is to wait for.
fn send(crash: Option<&Crash>, sent: &dyn Fn()) {
    let begun = clock::instant();
    let Some(run) = try_lock(&RUN).and_then(|run| run.clone()) else { return };
    let flush = || run.client.flush(Some((begun + SENDING).saturating_duration_since(clock::instant())));
    let Some(crash) = crash else {
        flush();
        return;
    };
    let scope = scope_of(crash.thread);
    // Fresher than what was kept ahead, should nothing else succeed.
    if let Some(json) = scope.as_ref().and_then(|scope| publish::outline(&run.client, scope)) {
        platform::write_scope(&json, 1);
    }
    let options = run.client.options();
    let source = NativeStackSource::for_options(options);
    let naming = Naming { source: &source, deadline: Some(begun + NAMING_IN_CRASH) };
    let base = Event { timestamp: clock::now(), ..Event::default() };
    let mut event = report::event(&run.head, crash, base, modules::images().to_vec(), &naming);
    event.threads.values.extend(thread::others(crash.thread.into()));
    // Closed, as at the exit of the process: the next start is told.
    if !run.client.is_enabled() {
        return;
    }
    if report::is_end_of_panic(crash, &event) {
        sent();
        flush();
        return;
    }
    let id = run.client.capture_crash(event, Some(&scope.unwrap_or_default()));
    let is_kept = || run.places.as_ref().is_some_and(|(cache, _)| left::is_spooled(cache, run.head.event_id));
    // A callback or sampling has decided; the next start would only ask again.
    if id.is_nil() || is_kept() {
        sent();
    }
    if flush() {
        sent();
    }
}
