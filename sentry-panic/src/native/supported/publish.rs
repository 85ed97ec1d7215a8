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

/// Starts it, once per process, and tells it to begin. The modules of this generation are known.
pub(super) fn start(generation: (u64, u64)) -> io::Result<()> {
    let process = platform::process();
    let mut publisher = lock(&PUBLISHER);
    if publisher.as_ref().is_none_or(|(owner, _)| *owner != process) {
        let thread = Builder::new()
            .name("sentry-scope".into())
            .spawn(move || sentry_core::suppress(|| serve(generation)))?;
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

fn serve(mut generation: (u64, u64)) {
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
        // First of all: what changes from here on is looked at again.
        let changed = watch::changed();
        let any = watch::scope_of(outlines::ANY);
        is_done = any.is_some();
        if let Some(scope) = any {
            keep(outlines::ANY, &scope);
        }
        for (thread, scope) in changed {
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
    fitting(client.outline(event, scope)?)
}

/// What can be gone without, one after the other: what does not fit is worth less than the rest.
const LESS: [fn(&mut Event<'static>); 7] = [
    |event| {
        let surplus = event.breadcrumbs.len().saturating_sub(20);
        event.breadcrumbs.values.drain(..surplus);
    },
    |event| event.breadcrumbs.values.clear(),
    |event| event.extra.clear(),
    |event| event.contexts.retain(|name, _| matches!(name.as_str(), "os" | "trace")),
    |event| event.request = None,
    |event| event.tags.clear(),
    |event| (event.user, event.contexts) = Default::default(),
];

fn fitting(mut event: Event<'static>) -> Option<Vec<u8>> {
    let fits = |event: &Event<'static>| {
        let json = serde_json::to_vec(event).ok()?;
        (json.len() <= outlines::LARGEST).then_some(json)
    };
    fits(&event).or_else(|| {
        LESS.iter().find_map(|lessen| {
            lessen(&mut event);
            fits(&event)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sentry_core::protocol::{Context, Map, User};

    use super::*;

    fn event() -> Event<'static> {
        Event {
            release: Some(Cow::Borrowed("shop@1")),
            user: Some(User { id: Some("42".into()), ..User::default() }),
            ..Event::default()
        }
    }

    fn kept(event: Event<'static>) -> Event<'static> {
        let json = fitting(event).unwrap();
        assert!(json.len() <= outlines::LARGEST);
        serde_json::from_slice(&json).unwrap()
    }

    #[test]
    fn what_is_too_large_costs_no_more_than_it_has_to() {
        let mut event = event();
        event.tags.insert("small".into(), "tag".into());
        event.extra.insert("large".into(), "x".repeat(outlines::LARGEST).into());
        let mut context = Map::new();
        context.insert("large".into(), "x".repeat(outlines::LARGEST).into());
        event.contexts.insert("own".into(), Context::Other(context));
        let kept = kept(event);
        assert_eq!((kept.tags.len(), kept.extra.len(), kept.contexts.len()), (1, 0, 0));
        assert_eq!(kept.user.and_then(|user| user.id).as_deref(), Some("42"));
    }

    #[test]
    fn of_too_many_tags_the_user_and_the_release_are_left() {
        let mut event = event();
        event.tags.extend((0..1_000).map(|number| (number.to_string(), "x".repeat(190))));
        let kept = kept(event);
        assert_eq!((kept.tags.len(), kept.release.as_deref()), (0, Some("shop@1")));
        assert_eq!(kept.user.and_then(|user| user.id).as_deref(), Some("42"));
    }
}
