//! One line of the server's script.

use std::time::Duration;

/// What the server does with one request: an answer, or a way to misbehave.
///
/// ```
/// use std::time::Duration;
/// use ingest::Reply;
///
/// let slow = Reply::status(503).header("Retry-After", "3").after(Duration::from_millis(20));
/// assert_ne!(slow, Reply::ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a reply does nothing until it is part of a script"]
pub struct Reply {
    pub(crate) action: Action,
    pub(crate) delay: Duration,
}

/// The two families: those that answer and those that do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Answer(Answer),
    Fault(Fault),
}

/// An HTTP response to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// `None` writes what an ingest server would: the event id, or the reason.
    pub(crate) body: Option<Vec<u8>>,
    /// One byte per interval instead of all at once.
    pub(crate) drip: Option<Duration>,
    /// Ends the connection after the answer.
    pub(crate) close: bool,
}

/// The ways not to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Blackhole,
    CloseAfterBody,
    Garbage,
    Hang,
    Reset,
    ResetAfterBody,
}

impl Reply {
    /// `200` with the event id in the body: what a healthy server says.
    pub fn ok() -> Self {
        Self::status(200)
    }

    /// An answer with this status.
    pub fn status(status: u16) -> Self {
        let answer = Answer { status, headers: Vec::new(), body: None, drip: None, close: false };
        Self { action: Action::Answer(answer), delay: Duration::ZERO }
    }

    /// `429` with an `X-Sentry-Rate-Limits` header of this value, for example `60:error:organization`.
    pub fn rate_limited(limits: &str) -> Self {
        Self::status(429).header("X-Sentry-Rate-Limits", limits)
    }

    /// Reads the request, then never answers and keeps the connection open.
    pub fn hang() -> Self {
        Self::fault(Fault::Hang)
    }

    /// A `200` of which one byte is written per `interval`: alive, but of no use.
    pub fn drip(interval: Duration) -> Self {
        Self::ok().dripping(interval)
    }

    /// Ends the connection as soon as the request starts and before it is read, which the client sees as a reset.
    pub fn reset() -> Self {
        Self::fault(Fault::Reset)
    }

    /// Reads the whole request, then closes without an answer: the client cannot know whether it arrived.
    pub fn close_after_body() -> Self {
        Self::fault(Fault::CloseAfterBody)
    }

    /// Takes in the whole request, then resets the connection: as ambiguous as [`Reply::close_after_body`], and ruder. Only
    /// for requests below a megabyte.
    pub fn reset_after_body() -> Self {
        Self::fault(Fault::ResetAfterBody)
    }

    /// Answers with bytes that are a TLS alert followed by noise, then closes.
    pub fn garbage() -> Self {
        Self::fault(Fault::Garbage)
    }

    /// Accepts the connection and never reads from it. Whoever sends more than the buffers of the sockets hold, some
    /// megabytes, cannot even finish sending.
    pub fn blackhole() -> Self {
        Self::fault(Fault::Blackhole)
    }

    /// Adds a response header. Faults have none and stay as they are.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.answer(|answer| answer.headers.push((name.to_owned(), value.to_owned())))
    }

    /// Replaces the response body. Faults have none and stay as they are.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.answer(|answer| answer.body = Some(body.into()))
    }

    /// Waits this long before acting; the time counts from the moment the request was read.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Writes the answer one byte per `interval`. Faults write none and stay as they are.
    pub fn dripping(self, interval: Duration) -> Self {
        self.answer(|answer| answer.drip = Some(interval))
    }

    /// Says `Connection: close` and closes after the answer. Faults stay as they are.
    pub fn closing(self) -> Self {
        self.answer(|answer| answer.close = true)
    }

    fn fault(fault: Fault) -> Self {
        Self { action: Action::Fault(fault), delay: Duration::ZERO }
    }

    fn answer(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        if let Action::Answer(answer) = &mut self.action {
            change(answer);
        }
        self
    }
}

impl Answer {
    /// What the server says to something that is not HTTP, whatever the script holds.
    pub(crate) fn bad_request() -> Self {
        Self { status: 400, headers: Vec::new(), body: None, drip: None, close: true }
    }
}

impl Action {
    /// Whether the request is left in the socket.
    pub(crate) fn leaves_the_request_unread(&self) -> bool {
        matches!(self, Self::Fault(Fault::Blackhole | Fault::Reset))
    }

    /// The status of the answer; a fault has none.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(answer) => Some(answer.status),
            Self::Fault(_) => None,
        }
    }
}
