//! Return addresses whose rules somebody has missed.

use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};

/// More at a time than one stack has. What finds no room is missed again.
const ROOM: usize = 256;

static ADDRESSES: [AtomicUsize; ROOM] = [const { AtomicUsize::new(0) }; ROOM];
static ANY: AtomicBool = AtomicBool::new(false);

/// Notes an address, if there is room for it near its place.
pub(super) fn put(address: usize) {
    let place = address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    for slot in (place..place + 8).map(|slot| &ADDRESSES[slot % ROOM]) {
        match slot.compare_exchange(0, address, Relaxed, Relaxed) {
            Ok(_) => return ANY.store(true, Release),
            Err(other) if other == address => return,
            Err(_) => {}
        }
    }
}

/// Takes all of them.
pub(super) fn take() -> Vec<usize> {
    if !ANY.load(Relaxed) || !ANY.swap(false, AcqRel) {
        return Vec::new();
    }
    ADDRESSES.iter().map(|slot| slot.swap(0, Relaxed)).filter(|address| *address != 0).collect()
}
