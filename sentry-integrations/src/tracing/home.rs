//! The registry that a layer is on, by a number of its own: the ids of spans are unique within one registry only.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing_core::Dispatch;
use tracing_core::span::Id;
use tracing_subscriber::Registry;

use super::followed::Slot;

static REGISTRIES: Mutex<Registries> = Mutex::new(Registries { newest: 0, known: Vec::new() });

/// The registries with a layer of ours.
struct Registries {
    newest: u32,
    known: Vec<Known>,
}

struct Known {
    address: usize,
    number: u32,
    layers: usize,
}

/// Where a layer is. A registry lives as long as the layers on it do, or longer.
#[derive(Default)]
pub(super) struct Home {
    number: AtomicU32,
    sees_all: AtomicBool,
}

impl Home {
    /// The number of the registry. 0: none is known, as with a layer that was put there later, or a registry of others.
    #[inline]
    pub(super) fn number(&self) -> u32 {
        self.number.load(Ordering::Relaxed)
    }

    /// Who a span of the registry is.
    #[inline]
    pub(super) fn who(&self, id: &Id) -> (u64, u32) {
        (id.into_u64(), self.number())
    }

    /// Whether the layer sees every span of the registry.
    #[inline]
    pub(super) fn sees_all(&self) -> bool {
        self.sees_all.load(Ordering::Relaxed)
    }

    /// The layer was asked which levels it is interested in, as a registry asks its layers after they have settled. A layer
    /// behind a filter of its own is not asked, the filter is.
    pub(super) fn note_asked(&self) {
        if self.number() != 0 {
            self.sees_all.store(true, Ordering::Relaxed);
        }
    }

    /// The layer is on the registry of `dispatch`, which from now on stays where it is.
    pub(super) fn settle(&self, dispatch: &Dispatch) {
        if let Some(registry) = dispatch.downcast_ref::<Registry>()
            && self.number() == 0
        {
            let number = registries().enter(std::ptr::from_ref(registry).addr());
            self.number.store(number, Ordering::Relaxed);
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let number = *self.number.get_mut();
        if number != 0 && registries().leave(number) {
            Slot::vacate(number);
        }
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl Registries {
    fn enter(&mut self, address: usize) -> u32 {
        if let Some(known) = self.known.iter_mut().find(|known| known.address == address) {
            known.layers += 1;
            return known.number;
        }
        // Once all numbers are used up there are none any more, and so there is nothing to mix up.
        let Some(number) = self.newest.checked_add(1) else { return 0 };
        self.newest = number;
        self.known.push(Known { address, number, layers: 1 });
        number
    }

    /// Whether that was the last layer.
    fn leave(&mut self, number: u32) -> bool {
        let Some(at) = self.known.iter().position(|known| known.number == number) else { return false };
        let known = &mut self.known[at];
        known.layers -= 1;
        let is_last = known.layers == 0;
        if is_last {
            self.known.swap_remove(at);
        }
        is_last
    }
}

fn registries() -> MutexGuard<'static, Registries> {
    REGISTRIES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_on_one_registry_share_a_number_that_no_other_gets() {
        let mut registries = Registries { newest: 0, known: Vec::new() };
        assert_eq!([1, 1, 2].map(|address| registries.enter(address)), [1, 1, 2]);
        assert_eq!([1, 2, 2].map(|number| registries.leave(number)), [false, true, false]);
        assert!(registries.leave(1));
        assert_eq!(registries.enter(1), 3, "another one at the same place");
    }

    #[test]
    fn without_numbers_no_registry_is_known() {
        let mut registries = Registries { newest: u32::MAX, known: Vec::new() };
        assert_eq!(registries.enter(1), 0);
    }
}
