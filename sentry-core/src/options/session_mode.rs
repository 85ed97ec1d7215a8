//! What a session is.

/// What counts as one session.
// Exhaustive: applications match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionMode {
    /// The run of an application: each session is sent on its own.
    Application,
    /// One request of a server: sessions are counted and sent as aggregates.
    Request,
}
