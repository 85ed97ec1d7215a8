//! What a thread has found out about its hub and relies on until something changes.
//!
//! Most roots begin on a hub that has no span and serves nothing, over and over again. To find that out takes the lock of the
//! hub and that of the client. So the thread remembers it together with the generation of everything it depends on: a hub
//! that is relied on begins a new generation when somebody changes it, and so does whoever changes the client or the global
//! scope. That is rare, and if it is not, nothing is lost but the short cut.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::client_report::Recorder;
use crate::hub::Hub;
use crate::hub::here::{self, Here};

static GENERATION: AtomicU32 = AtomicU32::new(1);

thread_local! {
    /// That of the client of the plain hub.
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// What was found out of a hub.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    /// Its address.
    hub: usize,
    /// That in which it was found to be plain. 0: none.
    generation: u32,
    pub(super) decides: Decides,
}

/// What decides on the roots that begin there. Nobody wants to be told of those that are left out.
#[derive(Clone, Copy)]
pub(super) struct Decides {
    /// [`OFF`] or anything else.
    pub(super) rate: f32,
    pub(super) streams: bool,
}

/// Tracing is off.
pub(super) const OFF: f32 = 0.0;

impl Plain {
    /// Nothing was found out yet.
    pub(super) const NEVER: Self =
        Self { hub: 0, generation: 0, decides: Decides { rate: OFF, streams: false } };
}

impl Here {
    /// What decides on roots, if the current hub is known to be plain.
    #[inline]
    pub(super) fn decides(&self) -> Option<Decides> {
        let Plain { hub, generation, decides } = self.plain.get();
        let is_known = is_current(generation) && hub == self.hub.get();
        is_known.then_some(decides)
    }

    /// The same, if the code is in no span of an integration.
    #[inline]
    pub(super) fn decides_alone(&self) -> Option<Decides> {
        if self.depth.get() == 0 && self.others.get() == 0 { self.decides() } else { None }
    }
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

/// Whether nothing that somebody relies on has changed since a generation.
#[inline]
pub(super) fn is_current(generation: u32) -> bool {
    generation == GENERATION.load(Ordering::Relaxed)
}

/// Remembers what was found out of `hub` in a generation.
pub(super) fn remember(hub: &Hub, generation: u32, decides: Decides, recorder: Recorder) {
    let before = RECORDER.try_with(|slot| Some(slot.try_borrow_mut().ok()?.replace(recorder)));
    if let Ok(Some(before)) = before {
        let hub = std::ptr::from_ref(hub).addr();
        here::here(|here| here.plain.set(Plain { hub, generation, decides }));
        drop(before);
    }
}

/// The address of the current hub, if it is known to be plain.
#[inline]
pub(super) fn here() -> Option<usize> {
    here::here(|here| here.decides().map(|_| here.hub.get()))
}

/// Calls `use_it` with what counts the losses of the plain hub's client.
// It is one load and one store on a path that many spans take.
#[inline(always)]
pub(super) fn with_recorder<R>(use_it: impl FnOnce(&Recorder) -> R) -> Option<R> {
    RECORDER.try_with(|recorder| recorder.try_borrow().ok()?.as_ref().map(use_it)).ok().flatten()
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
