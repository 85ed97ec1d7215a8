//! Keeps ahead what a crash can no longer gather: the scopes of each thread, and the list of modules.
//!
//! A thread of its own: who changes a scope only wakes it. It pauses longer the more there is to do, up to a second, so that
//! what was set while the program starts is kept at once and a busy server pays little. In the crash itself the live scopes are
//! asked first; what is kept here is for when these are locked, or the memory they lie in is broken.

use std::io;
use std::sync::Mutex;
use std::thread::{Builder, Thread};
use std::time::Duration;

use sentry_core::protocol::{Event, Level};
use sentry_core::types::Uuid;
use sentry_core::watch::{self, Watch};
use sentry_core::{Client, Scope, clock, process};

use super::{outlines, platform, write_modules};
use crate::modules;
use crate::sync::{lock, try_lock};

/// How long it pauses after a change, and after many in a row.
const SHORTEST: Duration = Duration::from_millis(15);
const LONGEST: Duration = Duration::from_secs(1);

/// The thread, and the process it lives in.
static PUBLISHER: Mutex<Option<(u32, Thread)>> = Mutex::new(None);

/// Starts it, once per process, and tells it to begin.
pub(super) fn start() -> io::Result<()> {
    let process = platform::process();
    let mut publisher = lock(&PUBLISHER);
    if publisher.as_ref().is_none_or(|(owner, _)| *owner != process) {
        let thread = Builder::new().name("sentry-scope".into()).spawn(|| sentry_core::suppress(serve))?;
        *publisher = Some((process, thread.thread().clone()));
    }
    drop(publisher);
    watch::watch(Watch { thread: platform::thread, wake });
    wake();
    Ok(())
}

fn wake() {
    if let Some(publisher) = try_lock(&PUBLISHER).as_deref().and_then(Option::as_ref) {
        publisher.1.unpark();
    }
}

fn serve() {
    let mut generation = modules::generation();
    let mut pause = SHORTEST;
    let mut is_done = true;
    loop {
        // Returns at once when there was a change during the pause.
        let before = clock::instant();
        if is_done && !watch::is_pending() {
            std::thread::park();
        }
        let was_quiet = clock::instant().saturating_duration_since(before) > LONGEST;
        pause = if was_quiet { SHORTEST } else { (pause * 2).min(LONGEST) };
        if !platform::is_quiet() {
            return;
        }
        if modules::generation() != generation {
            generation = modules::generation();
            write_modules();
            platform::refresh();
        }
        let any = watch::scope_of(outlines::ANY);
        is_done = any.is_some();
        if let Some(scope) = any {
            keep(outlines::ANY, &scope);
        }
        for (thread, scope) in watch::changed() {
            keep(thread, &scope);
        }
        std::thread::sleep(pause);
    }
}

fn keep(thread: u32, scope: &Scope) {
    if let Some(json) = process::client().and_then(|client| outline(&client, scope)) {
        outlines::put(thread, &json);
    }
}

/// What is known now, as JSON that fits.
pub(super) fn outline(client: &Client, scope: &Scope) -> Option<Vec<u8>> {
    let event = Event { event_id: Uuid::nil(), level: Level::Fatal, ..Event::default() };
    let mut event = client.outline(event, scope)?;
    // What does not fit is worth less than the rest.
    for breadcrumbs in [usize::MAX, 20, 0] {
        let surplus = event.breadcrumbs.values.len().saturating_sub(breadcrumbs);
        event.breadcrumbs.values.drain(..surplus);
        match serde_json::to_vec(&event) {
            Ok(json) if json.len() <= outlines::LARGEST => return Some(json),
            _ => {}
        }
    }
    None
}
