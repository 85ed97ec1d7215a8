//! The panic hook.
//!
//! ```text
//! std ─► ours ─┬─ extractors, or payload + location + thread
//!              ├─ raw addresses
//!              ├─ hub.capture_fatal           (returns at once: the worker does the rest)
//!              ├─ will the process abort? ──► flush, with a deadline
//!              └─► the previous hook
//! ```
//!
//! Rules, because any code may be panicking, with any lock held:
//!
//! - **It never panics.** std aborts the process when a hook does, and no `catch_unwind` prevents that. This is true for
//!   everything that is called from here: extractors and the users' callbacks as well.
//! - **It takes no lock that it would have to wait for** and loads no symbols.
//! - **It waits for delivery only when the process ends.** A hook cannot know whether a panic will be caught, but it does
//!   know panics that cannot be: under `panic = "abort"`, and in functions that must not unwind.
//! - **It works while thread-locals are torn down**: its own have no destructors.

use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::Once;
use std::time::Duration;

use sentry_core::protocol::{Event, Exception, Level, Map, Mechanism, Thread, Value};
use sentry_core::types::Uuid;
use sentry_core::{Class, Hub};

use crate::backtrace::capture;
use crate::panic::PanicIntegration;
use crate::{payload, thread};

/// Puts our hook before the one that is installed now. Once per process; it stays for good.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    // std refuses to change the hook on a thread that panics. A later client will do it.
    if std::thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let marker = 0_u8;
            handle(info, capture::address_of(&marker));
            previous(info);
        }));
    });
}

/// Reports a panic. Frames of the stack below `marker` are the hook's own.
pub(crate) fn handle(info: &PanicHookInfo<'_>, marker: usize) {
    let Some(_running) = Running::enter() else { return };
    if sentry_core::is_suppressed() {
        return;
    }
    Hub::with_active(|hub| {
        let Some(client) = hub.client() else { return };
        let Some(event) =
            hub.with_integration(|integration: &PanicIntegration| Some(integration.event(info)))
        else {
            return;
        };
        let dies = cfg!(panic = "abort") || payload::cannot_unwind(info);
        let class = if dies { Class::Fatal } else { Class::Normal };
        let id = hub.capture_fatal(event, Some(capture::above(marker)), class);
        remember(id);
        if dies {
            client.flush(Some(client.options().shutdown_timeout.min(LONGEST_WAIT)));
        }
    });
}

/// The event of a panic, without its stack.
pub(crate) fn event(info: &PanicHookInfo<'_>) -> Event<'static> {
    let thread = thread::current();
    let exception = Exception {
        ty: "panic".into(),
        value: Some(payload::message(info.payload()).into_owned()),
        thread_id: thread.id.clone(),
        mechanism: Some(mechanism(info)),
        ..Exception::default()
    };
    Event {
        exception: vec![exception].into(),
        threads: vec![Thread { crashed: true, current: true, ..thread }].into(),
        level: Level::Fatal,
        ..Event::default()
    }
}

fn mechanism(info: &PanicHookInfo<'_>) -> Mechanism {
    let mut data = Map::new();
    if let Some(location) = info.location() {
        data.insert("location".to_owned(), Value::from(location.to_string()));
    }
    // One panic in a destructor becomes three calls of the hook: what links them is the id of the one before.
    if payload::cannot_unwind(info)
        && let Some(previous) = last()
    {
        data.insert("previous_event".to_owned(), Value::from(previous.simple().to_string()));
    }
    Mechanism { ty: "panic".into(), handled: Some(false), data, ..Mechanism::default() }
}

/// How long a process that dies waits for delivery at most.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static LAST: Cell<Option<Uuid>> = const { Cell::new(None) };
}

fn remember(id: Uuid) {
    if !id.is_nil() {
        let _ = LAST.try_with(|last| last.set(Some(id)));
    }
}

fn last() -> Option<Uuid> {
    LAST.try_with(Cell::get).ok().flatten()
}

/// The hook runs on this thread.
struct Running;

impl Running {
    fn enter() -> Option<Self> {
        let entered = RUNNING.try_with(|running| !running.replace(true)).unwrap_or(true);
        entered.then_some(Self)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = RUNNING.try_with(|running| running.set(false));
    }
}
