//! What a thread knows of where its code is, in one place that costs a load.
//!
//! Nothing in here has a destructor or is borrowed, so it is there at any time and whatever runs. What is told of others is
//! their addresses, which are compared with what is there and never followed.

use std::cell::Cell;

use crate::hub::known::Known;
use crate::hub::plain::Plain;
use crate::trace::UnsampledRoot;

thread_local! {
    static HERE: Here = const { Here::new() };
}

static NOWHERE: UnsampledRoot = UnsampledRoot::new();

/// Where the code of a thread is.
pub(super) struct Here {
    /// The address of the current hub. 0: the thread has none yet.
    pub(super) hub: Cell<usize>,
    /// Which spans that are known it is in: [`ROOT`], and [`LISTED`] for each other one.
    pub(super) depth: Cell<usize>,
    /// How many spans it is in that integrations know nothing of.
    pub(super) others: Cell<usize>,
    /// The root that was the last to begin here, or was entered.
    pub(super) root: Cell<Root>,
    /// What was found out of the hub, for roots that begin there.
    pub(super) plain: Cell<Plain>,
    /// What was found out of it for spans that are entered there.
    pub(super) known: Cell<Known>,
}

/// The code is in [`Here::root`], and was before it entered any other span.
pub(super) const ROOT: usize = 1;
/// It is in one more span of the list.
pub(super) const LISTED: usize = 2;

/// A root that is not recorded, on the hub that it began on. No span was bound there when it began.
#[derive(Clone, Copy)]
pub(super) struct Root {
    /// 0: there is none.
    pub(super) key: u64,
    pub(super) place: &'static UnsampledRoot,
    /// Its address.
    pub(super) hub: usize,
}

impl Root {
    const NONE: Self = Self { key: 0, place: &NOWHERE, hub: 0 };

    pub(super) fn is_alive(&self) -> bool {
        self.place.is_of(self.key)
    }
}

impl Here {
    const fn new() -> Self {
        Self {
            hub: Cell::new(0),
            depth: Cell::new(0),
            others: Cell::new(0),
            root: Cell::new(Root::NONE),
            plain: Cell::new(Plain::NEVER),
            known: Cell::new(Known::NOTHING),
        }
    }

    /// The code is on the hub at the address. What was found out of another one is forgotten: that may be gone by the time the
    /// thread comes back, and a new one be where it was.
    pub(super) fn go_to(&self, hub: usize) {
        if self.hub.replace(hub) != hub {
            self.plain.set(Plain::NEVER);
            self.known.set(Known::NOTHING);
        }
    }

    /// The root that the code is in, if that was entered first.
    #[inline]
    pub(super) fn outermost(&self) -> Option<Root> {
        (self.depth.get() & ROOT != 0).then(|| self.root.get())
    }

    /// The code is in the root, and in nothing else.
    #[inline]
    pub(super) fn enter(&self, root: Root) {
        self.root.set(root);
        self.depth.set(ROOT);
    }

    /// Notes how many spans are in the list.
    pub(super) fn note_listed(&self, listed: usize) {
        self.depth.set((self.depth.get() & ROOT) | (listed * LISTED));
    }

    /// The code is not in the outermost root any more.
    pub(super) fn leave_root(&self) {
        self.depth.set(self.depth.get() & !ROOT);
    }

    /// It has left a span that nothing is known of.
    #[inline]
    pub(super) fn leave_other(&self) {
        self.others.set(self.others.get().saturating_sub(1));
    }
}

/// Looks at where the code of this thread is.
#[inline]
pub(super) fn here<R: Default>(look: impl FnOnce(&Here) -> R) -> R {
    // There is no other case: what has no destructor outlives the rest of its thread.
    HERE.try_with(look).unwrap_or_default()
}
