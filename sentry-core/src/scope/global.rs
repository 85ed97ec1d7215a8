//! The scope of the process, below every hub.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use crate::hub::forget_plain;
use crate::process::Held;
use crate::scope::{Scope, ScopeData};
use crate::sync::{read, try_read, write};

static GLOBAL: RwLock<Option<Arc<ScopeData>>> = RwLock::new(None);
// Spares the captures of everybody who never uses the global scope a lock.
static IS_SET: AtomicBool = AtomicBool::new(false);

/// Whether nobody is changing it right now.
pub(crate) fn is_free() -> bool {
    try_read(&GLOBAL).is_some()
}

/// Changes the scope that lies below every hub of the process.
///
/// ```
/// sentry_core::configure_global_scope(|scope| scope.set_tag("region", "eu-west-1"));
/// ```
pub fn configure_global_scope<F, R>(f: F) -> R
where
    F: FnOnce(&mut Scope) -> R,
{
    let base = Scope::global(read(&GLOBAL).clone());
    let mut mine = base.clone();
    let result = f(&mut mine);
    let mut global = write(&GLOBAL);
    let mut theirs = Scope::global(global.take());
    // Both hold on to whatever is replaced until the lock is free: it may have destructors of the user's.
    let replaced = (theirs.clone(), mine.clone());
    if theirs.same_as(&base) {
        theirs = mine;
    } else {
        theirs.replay(&base, mine);
    }
    *global = theirs.layer;
    IS_SET.store(true, Ordering::Release);
    forget_plain();
    drop(global);
    drop((replaced, base));
    result
}

/// For a fork.
pub(crate) fn hold(held: &mut Held<'_>) {
    held.write(&GLOBAL);
}

#[inline]
pub(crate) fn layer() -> Option<Arc<ScopeData>> {
    if IS_SET.load(Ordering::Acquire) { set_layer() } else { None }
}

#[inline(never)]
fn set_layer() -> Option<Arc<ScopeData>> {
    read(&GLOBAL).clone()
}
