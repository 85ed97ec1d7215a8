//! Sessions of a hub.

use std::sync::Arc;

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
        let inherited = state.replace_session(Some(Arc::clone(&session)));
        let previous = state.own_session.replace(Some(session));
        drop(state);
        drop(inherited);
        if let Some(previous) = previous {
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
        let own = state.own_session.replace(None);
        drop(state);
        drop(own);
        if let (Some(session), Some(client)) = (session, self.client()) {
            client.end_session(&session, status.into());
        }
    }
}
