//! Telling the application what is lost, when it is lost.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, RwLock};

use super::protocol::{Category, Reason};
use crate::process::Held;
use crate::suppress::guarded;
use crate::sync::{read, write};

/// A function that is told of every loss; see [`ClientOptions::on_drop`](crate::ClientOptions::on_drop).
pub type OnDrop = Arc<dyn Fn(&Dropped) + Send + Sync>;

/// Something was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Why.
    pub reason: Reason,
    /// What.
    pub category: Category,
    /// How much: items, or bytes where the category counts bytes.
    pub quantity: u64,
}

/// Holds the function of the application.
#[derive(Default)]
pub(super) struct Listener {
    /// Whether there is one. Spares everybody else the lock.
    listening: AtomicBool,
    function: RwLock<Option<OnDrop>>,
}

thread_local! {
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

impl Listener {
    /// For a fork.
    pub(super) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.write(&self.function);
    }

    pub(super) fn set(&self, function: Option<OnDrop>) {
        let listening = function.is_some();
        let previous = std::mem::replace(&mut *write(&self.function), function);
        self.listening.store(listening, Release);
        // Outside the lock: its destructor is the user's and may come back here.
        drop(previous);
    }

    /// Whether there is a function.
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.listening.load(Acquire)
    }

    /// Calls the function, unless it is that function which has lost something.
    #[inline]
    pub(super) fn tell(&self, dropped: Dropped) {
        if self.listening.load(Acquire) {
            self.call(dropped);
        }
    }

    #[cold]
    fn call(&self, dropped: Dropped) {
        let function = read(&self.function).clone();
        let (Some(function), Some(_telling)) = (function, Telling::begin()) else { return };
        let _ = guarded("on_drop", || function(&dropped));
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.listening).finish()
    }
}

/// The function runs on this thread.
struct Telling;

impl Telling {
    fn begin() -> Option<Self> {
        let running = TELLING.try_with(|telling| telling.replace(true)).unwrap_or(true);
        (!running).then_some(Self)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = TELLING.try_with(|telling| telling.set(false));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::Recorder;
    use super::super::protocol::Item;
    use super::*;
    use crate::sync::lock;

    /// A recorder, and what its listener was told.
    fn heard(
        function: impl Fn(&Recorder, &Dropped) + Send + Sync + 'static,
    ) -> (Recorder, Arc<Mutex<Vec<Dropped>>>) {
        let (recorder, seen) = (Recorder::default(), Arc::new(Mutex::new(Vec::new())));
        let (inner, list) = (recorder.clone(), Arc::clone(&seen));
        recorder.set_on_drop(Some(Arc::new(move |dropped| {
            lock(&list).push(*dropped);
            function(&inner, dropped);
        })));
        (recorder, seen)
    }

    #[test]
    fn every_loss_is_told_once() {
        let (recorder, seen) = heard(|_, _| {});
        recorder.record(Reason::QueueOverflow, Category::Error, 2);
        recorder.record(Reason::QueueOverflow, Category::Error, 0);
        let report = recorder.take().unwrap();
        recorder.record_loss(&report, Reason::NetworkError);
        let expected = Dropped { reason: Reason::QueueOverflow, category: Category::Error, quantity: 2 };
        assert_eq!(*lock(&seen), [expected], "what a lost report reports was lost before");
        recorder.set_on_drop(None);
        recorder.record(Reason::QueueOverflow, Category::Error, 1);
        assert_eq!(lock(&seen).len(), 1);
    }

    #[test]
    fn it_is_told_of_losses_that_are_not_reported() {
        let (recorder, seen) = heard(|_, _| {});
        recorder.set_enabled(false);
        recorder.record(Reason::SampleRate, Category::Span, 1);
        assert_eq!(lock(&seen).len(), 1);
    }

    #[test]
    fn a_loss_of_its_own_is_counted_and_not_told() {
        let (recorder, seen) = heard(|recorder, _| {
            assert!(crate::is_suppressed(), "a capture leads nowhere");
            recorder.record(Reason::Ignored, Category::Span, 1);
            assert_eq!(recorder.stats().losses.len(), 2);
        });
        recorder.record(Reason::SampleRate, Category::Error, 1);
        assert_eq!(lock(&seen).len(), 1);
        let lost = Item::new(Category::Span, Reason::Ignored, 1);
        assert!(recorder.totals().contains(&lost));
    }

    #[test]
    fn a_panic_in_it_ends_there() {
        let (recorder, seen) = heard(|_, _| panic!("expected by the test"));
        recorder.record(Reason::SampleRate, Category::Error, 1);
        recorder.record(Reason::SampleRate, Category::Error, 1);
        assert_eq!(lock(&seen).len(), 2);
        assert!(!crate::is_suppressed());
    }

    #[test]
    fn its_destructor_may_come_back() {
        struct Last(Recorder);
        impl Drop for Last {
            fn drop(&mut self) {
                self.0.set_on_drop(None);
                self.0.record(Reason::Ignored, Category::Span, 1);
            }
        }
        let recorder = Recorder::default();
        let last = Last(recorder.clone());
        recorder.set_on_drop(Some(Arc::new(move |_| _ = &last)));
        recorder.set_on_drop(None);
        assert_eq!(recorder.totals().len(), 1);
    }
}
