//! A running session, and what is told about it.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use super::state::{self, Report, State};
use super::{Buffer, Fault, Status};
use crate::envelope::EnvelopeItem;
use crate::options::{ClientOptions, SessionMode};
use crate::protocol::{SessionAttributes, SessionStatus, SessionUpdate, User};
use crate::sync::{lock, try_lock};
use crate::types::Uuid;
use crate::{clock, process, rng};

/// A session. The scopes it belongs to share it; it ends with the last of them at the latest.
pub(crate) struct Session {
    mode: SessionMode,
    id: Uuid,
    distinct_id: Option<String>,
    started: SystemTime,
    begun: Instant,
    attributes: SessionAttributes<'static>,
    /// A forked child has inherited it, and must leave it alone.
    generation: u32,
    state: Mutex<State>,
    buffer: Arc<Buffer>,
}

// Its locks recover from panics, and so do those of its client.
impl UnwindSafe for Session {}
impl RefUnwindSafe for Session {}

impl Session {
    /// A new session; `None` without a release, which the server would not count.
    pub(crate) fn start(
        options: &ClientOptions,
        user: Option<&User>,
        buffer: &Arc<Buffer>,
    ) -> Option<Arc<Self>> {
        let session = Arc::new(Self {
            mode: options.session_mode,
            id: rng::uuid(),
            distinct_id: user.and_then(distinct_id),
            started: clock::now(),
            begun: clock::instant(),
            attributes: SessionAttributes {
                release: options.release.clone()?,
                environment: options.environment.clone(),
                ip_address: None,
                user_agent: None,
            },
            generation: process::generation(),
            state: Mutex::new(State::new()),
            buffer: Arc::clone(buffer),
        });
        if session.mode == SessionMode::Application {
            buffer.watch(&session);
        }
        Some(session)
    }

    /// Whether it is that of a process this one was forked from.
    fn is_foreign(&self) -> bool {
        self.generation != process::generation()
    }

    /// Whether nobody is changing it right now.
    pub(crate) fn is_free(&self) -> bool {
        try_lock(&self.state).is_some() && self.buffer.is_free()
    }

    /// Counts an event that was captured in it. `Some`: there is something to tell about it, best with the event.
    pub(crate) fn record(self: &Arc<Self>, fault: Fault) -> Option<Arc<Ticket>> {
        if self.is_foreign() {
            return None;
        }
        let fault = match (self.mode, fault) {
            (SessionMode::Request, Fault::Crash | Fault::Grave) => Fault::Unhandled,
            (_, fault) => fault,
        };
        let mut state = lock(&self.state);
        if !state.count(fault) {
            return None;
        }
        self.tell(state, fault == Fault::Grave)
    }

    /// The process dies of what was counted before.
    pub(crate) fn crash(self: &Arc<Self>) -> Option<Arc<Ticket>> {
        if self.is_foreign() {
            return None;
        }
        let mut state = lock(&self.state);
        if !state.end(Status::Crashed, true) {
            return None;
        }
        self.tell(state, false)
    }

    /// What is to be told after a change. A request is only counted, when it is over.
    fn tell(self: &Arc<Self>, mut state: MutexGuard<'_, State>, is_grave: bool) -> Option<Arc<Ticket>> {
        if self.mode == SessionMode::Request {
            if state.status().is_end() {
                self.count(state);
            }
            return None;
        }
        let is_news = !state.is_announced() || state.status().is_end();
        let report = state.report(self.now());
        drop(state);
        let is_told = AtomicBool::new(false);
        Some(Arc::new(Ticket { session: Arc::clone(self), report, is_news, is_grave, is_told }))
    }

    fn count(&self, state: MutexGuard<'_, State>) {
        let (status, errors) = (state.status(), state.errors());
        drop(state);
        self.buffer.count(&self.attributes, self.started, self.distinct_id.as_deref(), status, errors);
    }

    /// Ends it. `Some`: that is to be told at once; a request is only counted.
    pub(crate) fn end(&self, status: Status) -> Option<EnvelopeItem> {
        if self.is_foreign() {
            return None;
        }
        let mut state = lock(&self.state);
        if !state.end(status, std::thread::panicking()) {
            return None;
        }
        if self.mode == SessionMode::Request {
            self.count(state);
            return None;
        }
        let report = state.report(self.now());
        drop(state);
        Some(self.item(report))
    }

    /// What to tell of it should nobody hear of this process any more; `None` when it is over.
    pub(crate) fn last_words(&self) -> Option<EnvelopeItem> {
        let state = lock(&self.state);
        if state.status().is_end() || self.is_foreign() {
            return None;
        }
        let (time, lasted) = self.now();
        let report = Report {
            status: state.last_status(),
            errors: state.errors(),
            is_first: !state.is_announced(),
            // After everything that this process may still tell: a later start tells it.
            sequence: state::milliseconds(time).saturating_add(1),
            time,
            lasted,
        };
        drop(state);
        Some(self.item(report))
    }

    fn item(&self, report: Report) -> EnvelopeItem {
        let Report { status, errors, is_first, sequence, time, lasted } = report;
        let update = SessionUpdate {
            session_id: self.id,
            distinct_id: self.distinct_id.clone(),
            sequence: Some(sequence),
            timestamp: Some(time),
            started: self.started,
            init: is_first,
            duration: status.is_end().then_some(lasted.as_secs_f64()),
            status: status.published().unwrap_or(SessionStatus::Ok),
            errors,
            attributes: self.attributes.clone(),
        };
        // The published type has no name for it.
        if status.published().is_some() {
            EnvelopeItem::SessionUpdate(update)
        } else {
            EnvelopeItem::UnhandledSession(update)
        }
    }

    /// Ends it for want of anybody who could. This may happen under any lock, so it is told later.
    pub(crate) fn abandon(&self) {
        if let Some(item) = self.end(Status::Exited) {
            self.buffer.put(item);
        }
    }

    fn now(&self) -> (SystemTime, Duration) {
        (clock::now(), clock::instant().saturating_duration_since(self.begun))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Something to tell about a session, on its way with the event that changed it.
///
/// If the event is dropped, what the server has to know is told later without it.
pub(crate) struct Ticket {
    session: Arc<Session>,
    report: Report,
    is_news: bool,
    is_grave: bool,
    is_told: AtomicBool,
}

impl Ticket {
    /// What to tell. From now on whoever asks is responsible for it.
    pub(crate) fn redeem(&self) -> EnvelopeItem {
        self.is_told.store(true, Ordering::Relaxed);
        self.session.item(self.report)
    }

    /// Whether it is worth an envelope of its own: the first error, or the end.
    pub(crate) fn is_news(&self) -> bool {
        self.is_news
    }

    /// Whether it tells of the end.
    pub(crate) fn is_end(&self) -> bool {
        self.report.status.is_end()
    }

    /// Whether it changes what there is to tell should the process vanish.
    pub(crate) fn changes_last_words(&self) -> bool {
        self.report.is_first || self.is_grave
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let is_needed = self.report.is_first || self.report.status.is_end();
        if is_needed && !*self.is_told.get_mut() && !self.session.is_foreign() {
            self.session.buffer.put(self.session.item(self.report));
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("report", &self.report).finish_non_exhaustive()
    }
}

/// The first of id, e-mail address and name that is known.
fn distinct_id(user: &User) -> Option<String> {
    [&user.id, &user.email, &user.username].into_iter().flatten().find(|name| !name.is_empty()).cloned()
}
