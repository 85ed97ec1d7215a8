//! What the user has said, and what a client does about it.

use crate::client::{Client, Inner, callbacks};
use crate::client_report::protocol::{LossSource, Reason};
use crate::consent::{ConsentListener, ConsentState};
use crate::diagnostics;
use crate::scope::ScopeSnapshot;
use crate::session::Status;
use crate::suppress::guarded;
use crate::transport::Transport;

impl Client {
    /// The user agrees: what was held back is sent, the oldest first, and so is everything from now on. Takes effect at once,
    /// from any thread, and works after [`revoke_consent`](Self::revoke_consent) as well.
    ///
    /// With a [cache directory](crate::ClientOptions::cache_dir) it is remembered there, for later runs and for other
    /// processes on the same directory. Whether it could be remembered is told to the diagnostics hook.
    ///
    /// ```
    /// use sentry_core::options::Consent;
    /// use sentry_core::{Client, ClientOptions, ConsentState};
    ///
    /// let client = Client::with_options(ClientOptions::new().consent(Consent::Required));
    /// assert_eq!(client.consent(), ConsentState::Unknown);
    /// client.give_consent();
    /// assert_eq!(client.consent(), ConsentState::Given);
    /// ```
    pub fn give_consent(&self) {
        self.options().consent_gate.decide(true);
    }

    /// The user does not agree, or not any more. When this returns,
    ///
    /// - no further request is begun; one that is on the wire cannot be recalled,
    /// - what was held in memory and on disk is gone, what other runs have left in the cache directory included, and counted
    ///   as [`no_consent`](Reason::NoConsent), which no server is told of,
    /// - captures lead nowhere and cost next to nothing,
    /// - the decision is remembered, where there is a cache directory. Other processes that use it obey within a second, or,
    ///   if they have nothing to do, before they send again.
    ///
    /// Sessions end, and nobody is told. This works with [`Consent::NotNeeded`](crate::options::Consent::NotNeeded) too: an
    /// application that need not ask can still take a no for an answer.
    ///
    /// ```
    /// use sentry_core::{Client, ClientOptions, ConsentState};
    ///
    /// let client = Client::with_options(ClientOptions::new());
    /// client.revoke_consent();
    /// assert_eq!(client.consent(), ConsentState::Revoked);
    /// ```
    pub fn revoke_consent(&self) {
        self.options().consent_gate.decide(false);
    }

    /// What the user has said so far, in this run or in an earlier one that is remembered.
    #[must_use]
    pub fn consent(&self) -> ConsentState {
        self.options().consent_gate.state()
    }

    /// Whether what is captured now leads nowhere. Whoever is told so has to count what that costs.
    #[inline]
    pub(crate) fn discards(&self) -> bool {
        match self.consent() {
            ConsentState::Given | ConsentState::NotNeeded => false,
            ConsentState::Revoked => true,
            ConsentState::Unknown => !self.inner.holds_for_consent && self.discards_undecided(),
        }
    }

    #[cold]
    fn discards_undecided(&self) -> bool {
        if self.is_enabled() {
            diagnostics::warn_once("consent of a transport", || {
                "this transport cannot hold back what is captured before consent is given: it is discarded"
                    .into()
            });
        }
        true
    }

    /// Whether an event leads nowhere; it is counted then.
    pub(crate) fn discards_event(&self, scope: &ScopeSnapshot) -> bool {
        let discards = self.discards();
        if discards {
            callbacks::lose_event(self.options(), Reason::NoConsent, scope);
        }
        discards
    }

    /// The same of anything else.
    pub(crate) fn discards_all<L: LossSource + ?Sized>(&self, lost: &L) -> bool {
        let discards = self.discards();
        if discards {
            self.recorder().record_loss(lost, Reason::NoConsent);
        }
        discards
    }
}

impl Inner {
    /// Whether the transport holds back what must not be sent yet.
    pub(super) fn holds(transport: Option<&dyn Transport>) -> bool {
        let holds = transport.map(|transport| guarded("transport", || transport.holds_for_consent()));
        holds.is_some_and(|holds| holds.unwrap_or(false))
    }

    /// What there is to tell about sessions is forgotten, and those that run are over: if consent is given again, none of
    /// them has ever begun for the server.
    fn forget_sessions(&self) {
        for session in self.sessions.open() {
            let _ = session.end(Status::Exited);
        }
        let recorder = &self.completion.options().client_report_recorder;
        for item in self.sessions.drain().iter().flatten() {
            recorder.record_loss(item, Reason::NoConsent);
        }
    }
}

impl ConsentListener for Inner {
    fn decided(&self, _by_user: bool) {
        if self.completion.options().consent_gate.is_refused() {
            self.forget_sessions();
            self.forget_records();
        }
    }
}
