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
//! - **It never panics.** std aborts the process when a hook does, and no `catch_unwind` prevents that. So the users'
//!   callbacks are asked where the event is finished, and errors that were thrown are formatted on another thread. Only
//!   extractors have to run here.
//! - **It takes no lock that its own thread may hold**, which it would wait for in vain, and loads no symbols. Where the thread
//!   panics within the SDK, another one captures; likewise where hardly any stack is left.
//! - **It waits for delivery only when the process ends.** A hook cannot know whether a panic will be caught, but it does
//!   know panics that cannot be: under `panic = "abort"`, and in functions that must not unwind.
//! - **It works while thread-locals are torn down**: its own have no destructors.

use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::Once;
use std::time::{Duration, Instant};

use sentry_core::types::Uuid;
use sentry_core::{Class, Hub, RawStack, clock};

use crate::backtrace::capture;
use crate::panic::PanicIntegration;
use crate::{elsewhere, payload, stack};

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
            // Printing a backtrace takes its time.
            renew();
        }));
    });
}

/// Reports a panic. Frames of the stack below `marker` are the hook's own.
pub(crate) fn handle(info: &PanicHookInfo<'_>, marker: usize) {
    let Some(_running) = Running::enter() else { return };
    if sentry_core::is_suppressed() {
        return;
    }
    let is_free = Hub::is_free();
    if !is_free || stack::room_below(marker).is_some_and(|room| room < ROOM) {
        let dies = cfg!(panic = "abort") || payload::cannot_unwind(info);
        // Who holds a lock that is needed there must not wait.
        let patience = if dies || is_free { LONGEST_WAIT } else { Duration::ZERO };
        return remember(elsewhere::report(info, marker, dies && !is_free, dies, patience));
    }
    Hub::with_active(|hub| {
        let Some(client) = hub.client() else { return };
        let flush = || client.flush(Some(client.options().shutdown_timeout.min(LONGEST_WAIT)));
        if payload::cannot_unwind(info) && last().is_some() {
            // The panic that may not unwind has an event already: this is only its end.
            hub.note_crash();
            flush();
            note(&capture::above(marker));
            return;
        }
        let Some(event) =
            hub.with_integration(|integration: &PanicIntegration| Some(integration.event(info)))
        else {
            return;
        };
        let dies = cfg!(panic = "abort") || payload::cannot_unwind(info);
        let class = if dies { Class::Fatal } else { Class::Normal };
        let stack = capture::above(marker);
        note(&stack);
        let id = hub.capture_fatal(event, Some(stack), class);
        remember(id);
        if dies {
            flush();
        }
    });
}

/// Should std end this panic by an abort, then that is no news to the handler of SIGABRT.
fn note(stack: &RawStack) {
    #[cfg(feature = "crash-handler")]
    crate::native::panic_was_reported(&stack.addresses);
    #[cfg(not(feature = "crash-handler"))]
    let _ = stack;
}

/// A capture may need so much of the stack: half of it with optimisations.
const ROOM: usize = 48 << 10;

/// How long a process that dies waits for delivery at most.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(2);

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static LAST: Cell<Option<(Uuid, Instant)>> = const { Cell::new(None) };
}

/// A panic that follows another one on its thread so soon has to do with it, as far as a hook can know.
const SOON: Duration = Duration::from_millis(100);

fn remember(id: Uuid) {
    let last = (!id.is_nil()).then(|| (id, clock::instant()));
    let _ = LAST.try_with(|slot| slot.set(last));
}

fn renew() {
    let _ = LAST.try_with(|slot| slot.set(slot.get().map(|(id, _)| (id, clock::instant()))));
}

/// The event of the panic just before this one.
pub(crate) fn last() -> Option<Uuid> {
    let (id, time) = LAST.try_with(Cell::get).ok().flatten()?;
    (clock::instant().saturating_duration_since(time) < SOON).then_some(id)
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
