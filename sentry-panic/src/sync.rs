//! Locks that survive panics and know deadlines.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use sentry_core::clock;

/// Takes the lock. What it protects is valid at every step, so poison means nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the lock only if it is free.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Takes the lock if it becomes free before the deadline.
pub(crate) fn lock_until<T>(mutex: &Mutex<T>, deadline: Option<Instant>) -> Option<MutexGuard<'_, T>> {
    let Some(deadline) = deadline else { return Some(lock(mutex)) };
    loop {
        if let Some(guard) = try_lock(mutex) {
            return Some(guard);
        }
        let left = deadline.saturating_duration_since(clock::instant());
        if left.is_zero() {
            return None;
        }
        std::thread::sleep(left.min(Duration::from_micros(200)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_is_given_up_at_the_deadline() {
        let mutex = Mutex::new(1);
        let held = lock(&mutex);
        let start = clock::instant();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                assert!(lock_until(&mutex, Some(start + Duration::from_millis(5))).is_none());
                assert!(try_lock(&mutex).is_none());
            });
        });
        drop(held);
        assert!(lock_until(&mutex, Some(start)).is_some(), "a free lock needs no time");
    }
}
