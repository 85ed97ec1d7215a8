//! Sessions of a hub.

use crate::hub::Hub;
use crate::protocol::SessionStatus;
use crate::session::Status;
use crate::sync::lock;

impl Hub {
    /// Starts a session, on the isolation scope; one that was started on this hub ends as exited.
    ///
    /// Nothing happens without a release (protocol.md 13), or while no client is active. The user of the scope is the one
    /// whose session it is: set it before.
    pub fn start_session(&self) {
        let Some(client) = self.client() else { return };
        let snapshot = self.snapshot();
        let Some(session) = client.start_session(snapshot.user()) else { return };
        let mut state = lock(&self.state);
        let previous = state.replace_session(Some(session));
        let is_own = std::mem::replace(&mut state.owns_session, true);
        drop(state);
        if let Some(previous) = previous.filter(|_| is_own) {
            client.end_session(&previous, Status::Exited);
        }
    }

    /// Ends the session of this hub as exited.
    pub fn end_session(&self) {
        self.end_session_with_status(SessionStatus::Exited);
    }

    /// Ends the session of this hub. `Ok` counts as exited.
    pub fn end_session_with_status(&self, status: SessionStatus) {
        let mut state = lock(&self.state);
        let session = state.replace_session(None);
        state.owns_session = false;
        drop(state);
        if let (Some(session), Some(client)) = (session, self.client()) {
            client.end_session(&session, status.into());
        }
    }
}
