//! The consent of the user of the application.
//!
//! ```text
//!                         ┌──────────── ConsentGate ────────────┐
//! give / revoke_consent ──┤ NotNeeded | Unknown | Given | Revoked ├──► is it open? ── client, at every capture
//! (any thread)            └───────────────┬─────────────────────┘               └── transport, before every request
//!                                         └──► ConsentListener: remember it, purge what is held, or begin to send
//! ```
//!
//! The gate is made with the client and handed to its transports through
//! [`ClientOptions::consent_gate`](crate::ClientOptions::consent_gate), so that whatever is put around a transport, the word of
//! the user reaches it. A transport that knows nothing of all this gets nothing before consent is given:
//! [`Transport::holds_for_consent`](crate::Transport::holds_for_consent).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::{Arc, RwLock, Weak};

use crate::diagnostics;
use crate::options::Consent;
use crate::process::Held;
use crate::sync::{read, write};

/// What the user has said; see [`Client::consent`](crate::Client::consent).
// Not `#[non_exhaustive]`: a dialog that asks for consent has to know every case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ConsentState {
    /// Nobody has to be asked, and nobody has said no.
    #[default]
    NotNeeded = 0,
    /// Not said yet: everything is held back.
    Unknown = 1,
    /// Yes.
    Given = 2,
    /// No: nothing is sent, nothing is kept.
    Revoked = 3,
}

impl ConsentState {
    /// Whether anything may be sent.
    ///
    /// ```
    /// use sentry_core::ConsentState;
    ///
    /// assert!(ConsentState::Given.allows_sending());
    /// assert!(!ConsentState::Unknown.allows_sending());
    /// ```
    #[must_use]
    pub fn allows_sending(self) -> bool {
        matches!(self, Self::Given | Self::NotNeeded)
    }

    fn from_number(number: u8) -> Self {
        match number {
            0 => Self::NotNeeded,
            2 => Self::Given,
            3 => Self::Revoked,
            // Whatever is not understood sends nothing and destroys nothing.
            _ => Self::Unknown,
        }
    }
}

/// Is told when the user has decided.
pub trait ConsentListener: Send + Sync {
    /// The gate has another state, which says which. `by_user`: this process was told; otherwise another one was, and this one
    /// has found out. May be called twice for the same decision.
    fn decided(&self, by_user: bool);
}

/// The decision of the user, shared by a client and its transports. Clones share it; reading it is one load.
#[derive(Clone, Default)]
pub struct ConsentGate {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: AtomicU8,
    listeners: RwLock<Vec<Weak<dyn ConsentListener>>>,
}

impl ConsentGate {
    /// Before anybody has decided anything.
    #[must_use]
    pub fn new(consent: Consent) -> Self {
        let gate = Self::default();
        gate.require(consent);
        gate
    }

    /// The state.
    #[inline]
    #[must_use]
    pub fn state(&self) -> ConsentState {
        ConsentState::from_number(self.inner.state.load(Acquire))
    }

    /// Whether anything may be sent.
    #[inline]
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state().allows_sending()
    }

    /// Whether the user has said no.
    #[inline]
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.state() == ConsentState::Revoked
    }

    /// Applies the option: where consent is required, nobody is taken to have given it.
    pub fn require(&self, consent: Consent) {
        if consent == Consent::Required {
            let (from, to) = (ConsentState::NotNeeded as u8, ConsentState::Unknown as u8);
            // Unless somebody has decided already.
            let _ = self.inner.state.compare_exchange(from, to, AcqRel, Acquire);
        }
    }

    /// The user has decided, here and now. All who listen are told before this returns.
    pub fn decide(&self, given: bool) {
        let state = if given { ConsentState::Given } else { ConsentState::Revoked };
        self.inner.state.store(state as u8, Release);
        self.tell(true);
    }

    /// Takes over a decision of an earlier run or another process. Tells whether that is news; [`announce`](Self::announce) it
    /// then, when no lock is held.
    #[must_use]
    pub fn adopt(&self, state: ConsentState) -> bool {
        self.inner.state.swap(state as u8, AcqRel) != state as u8
    }

    /// Tells all who listen that a decision was adopted.
    pub fn announce(&self) {
        self.tell(false);
    }

    /// Adds somebody to be told. A handful at most: one for each destination.
    pub fn listen(&self, listener: Weak<dyn ConsentListener>) {
        let mut listeners = write(&self.inner.listeners);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
    }

    /// For a fork.
    pub(crate) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        held.write(&self.inner.listeners);
    }

    fn tell(&self, by_user: bool) {
        // Called outside the lock: they may be anybody's.
        let listeners: Vec<_> = read(&self.inner.listeners).iter().filter_map(Weak::upgrade).collect();
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener.decided(by_user))).is_err() {
                diagnostics::warn_once("consent", || {
                    "a transport panicked when consent was decided on".into()
                });
            }
        }
    }
}

impl fmt::Debug for ConsentGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConsentGate").field(&self.state()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::sync::lock;

    #[derive(Default)]
    struct Ear(Mutex<Vec<bool>>);

    impl ConsentListener for Ear {
        fn decided(&self, by_user: bool) {
            lock(&self.0).push(by_user);
            assert!(by_user, "expected by the test");
        }
    }

    #[test]
    fn the_option_holds_back_until_somebody_has_decided() {
        assert_eq!(ConsentGate::new(Consent::NotNeeded).state(), ConsentState::NotNeeded);
        let gate = ConsentGate::new(Consent::Required);
        assert!(!gate.is_open() && !gate.is_refused());
        gate.decide(true);
        gate.require(Consent::Required);
        assert_eq!(gate.state(), ConsentState::Given, "a decision outlasts the option");
        gate.decide(false);
        assert!(gate.is_refused());
    }

    #[test]
    fn all_who_listen_are_told_and_a_panic_of_one_stays_there() {
        let gate = ConsentGate::default();
        let (gone, ears) = (Arc::new(Ear::default()), [Arc::new(Ear::default()), Arc::new(Ear::default())]);
        for ear in [&gone, &ears[0], &ears[1]] {
            let ear: Weak<Ear> = Arc::downgrade(ear);
            gate.listen(ear);
        }
        drop(gone);
        gate.decide(false);
        assert!(!gate.adopt(ConsentState::Revoked), "no news");
        assert!(gate.adopt(ConsentState::Given));
        gate.announce();
        assert!(ears.iter().all(|ear| *lock(&ear.0) == [true, false]));
    }

    #[test]
    fn every_state_is_read_as_it_was_written() {
        for state in
            [ConsentState::NotNeeded, ConsentState::Unknown, ConsentState::Given, ConsentState::Revoked]
        {
            assert_eq!(ConsentState::from_number(state as u8), state);
        }
        assert_eq!(ConsentState::from_number(77), ConsentState::Unknown);
    }
}
