//! What a thread has found out about its hub and relies on until something changes.
//!
//! Most roots begin on a hub that has no span and serves nothing, over and over again. To find that out takes the lock of the
//! hub and that of the client. So the thread remembers it together with the generation of everything it depends on: a hub
//! that is relied on begins a new generation when somebody changes it, and so does whoever changes the client or the global
//! scope. That is rare, and if it is not, nothing is lost but the short cut.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::client_report::Recorder;
use crate::hub::Hub;
use crate::hub::current::address_here;

static GENERATION: AtomicU32 = AtomicU32::new(1);

thread_local! {
    /// The hub and the generation in which it was found to be plain. 0: none.
    static PLAIN: Cell<(usize, u32)> = const { Cell::new((0, 0)) };
    static FOUND: RefCell<Option<Found>> = const { RefCell::new(None) };
}

/// What decides on the roots that begin there.
pub(super) struct Found {
    /// `None`: tracing is off.
    pub(super) rate: Option<f32>,
    pub(super) streams: bool,
    pub(super) recorder: Recorder,
}

/// Something has changed that somebody may rely on.
pub(crate) fn forget_all() {
    // 0 is nobody's. What wraps around would have to be as old as four billion changes.
    if GENERATION.fetch_add(1, Ordering::AcqRel) == u32::MAX {
        GENERATION.fetch_add(1, Ordering::AcqRel);
    }
}

/// The generation, to be asked for before anything is found out.
pub(super) fn generation() -> u32 {
    GENERATION.load(Ordering::Acquire)
}

/// Remembers what was found out of `hub` in a generation.
pub(super) fn remember(hub: &Hub, generation: u32, found: Found) {
    let before = FOUND.try_with(|slot| slot.try_borrow_mut().ok().and_then(|mut slot| slot.replace(found)));
    drop(before);
    let _ = PLAIN.try_with(|plain| plain.set((std::ptr::from_ref(hub).addr(), generation)));
}

/// The address of the current hub, if it is known to be plain.
#[inline]
pub(super) fn here() -> Option<usize> {
    let (hub, generation) = PLAIN.try_with(Cell::get).unwrap_or((0, 0));
    (generation == GENERATION.load(Ordering::Relaxed) && hub == address_here()).then_some(hub)
}

/// Calls `use_it` with what was found out of the current hub.
#[inline]
pub(super) fn with_found<R>(use_it: impl FnOnce(&Found) -> R) -> Option<R> {
    FOUND.try_with(|found| found.try_borrow().ok()?.as_ref().map(use_it)).ok().flatten()
}

/// Whether somebody relies on a hub as it is.
#[derive(Debug, Default)]
pub(super) struct Relied(bool);

impl Relied {
    pub(super) fn set(&mut self) {
        self.0 = true;
    }

    /// It changes.
    #[inline]
    pub(super) fn end(&mut self) {
        if self.0 {
            self.0 = false;
            forget_all();
        }
    }
}

impl Drop for Relied {
    // Another hub may take its address.
    fn drop(&mut self) {
        self.end();
    }
}
