//! Telling the server about sessions.

use std::sync::Arc;

use crate::client::Client;
use crate::options::SessionMode;
use crate::outbound::Outbound;
#[cfg(feature = "release-health")]
use crate::protocol::User;
use crate::protocol::client_report::Category;
use crate::session::{Session, Status, Ticket};
use crate::suppress::guarded;

impl Client {
    /// A session that captures may fall into; `None` if this client has no use for one.
    #[cfg(feature = "release-health")]
    pub(crate) fn start_session(&self, user: Option<&User>) -> Option<Arc<Session>> {
        if !self.is_enabled() || self.discards() {
            return None;
        }
        let session = Session::start(self.options(), user, &self.inner.sessions)?;
        self.note_last_words();
        Some(session)
    }

    /// Ends a session and tells so.
    pub(crate) fn end_session(&self, session: &Session, status: Status) {
        if let Some(item) = session.end(status) {
            self.forget_last_words();
            self.send_items(vec![item], (Category::Session, 1));
        }
    }

    /// Sends what waits to be told.
    pub(crate) fn send_sessions(&self) {
        for items in self.inner.sessions.drain() {
            {
                let count = items.len() as u64;
                self.send_items(items, (Category::Session, count))
            };
        }
    }

    /// At the end of the client: the sessions of the application end too, and nothing waits any longer.
    pub(super) fn end_sessions(&self) {
        for session in self.inner.sessions.open() {
            self.end_session(&session, Status::Exited);
        }
        self.send_sessions();
        self.inner.sessions.close();
    }

    /// The event that a ticket should have gone with does not go: what matters goes by itself.
    pub(super) fn tell_alone(&self, ticket: Option<Arc<Ticket>>) {
        if let Some(ticket) = ticket.filter(|ticket| ticket.is_news()) {
            self.send_items(vec![ticket.redeem()], (Category::Session, 1));
        }
    }

    /// A captured item has changed its session and is on its way.
    pub(super) fn told(&self, ticket: &Ticket) {
        if ticket.is_end() {
            self.forget_last_words();
        } else if ticket.changes_last_words() {
            self.note_last_words();
        }
    }

    /// Has the transport keep what to tell of the sessions that go on if this process vanishes.
    fn note_last_words(&self) {
        if self.options().cache.dir.is_none() || self.options().session_mode != SessionMode::Application {
            return;
        }
        let Some(transport) = self.transport() else { return };
        let words: Vec<_> =
            self.inner.sessions.open().iter().filter_map(|session| session.last_words()).collect();
        if !words.is_empty() {
            let envelope = Outbound::from_envelope(self.envelope_of(words));
            let envelope = envelope.of_client(&self.inner.completion).finish();
            let _ = guarded("transport", || transport.set_last_words(Some(envelope)));
        }
    }

    /// Has the transport forget them, at once, as one of them would be wrong now. The others are noted again.
    fn forget_last_words(&self) {
        if let Some(transport) = self.transport().filter(|_| self.options().cache.dir.is_some()) {
            let _ = guarded("transport", || transport.set_last_words(None));
            self.note_last_words();
        }
    }
}
