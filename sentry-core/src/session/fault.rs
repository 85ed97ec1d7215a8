//! What an event does to the session it falls into.

use crate::outbound::{Class, Durability};
use crate::protocol::{Event, Level};

/// How bad an event is for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It counts.
    Error,
    /// Nobody handled it, and the process goes on.
    Unhandled,
    /// Nobody handled it, and whether the process goes on will be seen.
    Grave,
    /// It is said to be a crash. A request ends with it, the process goes on.
    Crash,
    /// The process dies of it.
    Death,
}

/// How an event came to be captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The application captured it.
    Application,
    /// A crash handler did, and the process may survive: a thread or a task has panicked.
    Handler,
    /// A crash handler did, where `main` runs: the process dies of it unless somebody catches it.
    Main,
    /// A crash handler did, and the process dies.
    Death,
}

impl Origin {
    pub(crate) fn of(class: Class, durability: Durability) -> Self {
        match (class, durability) {
            (Class::Fatal, _) => Self::Death,
            (Class::Normal, Durability::Memory) => Self::Application,
            // A panic that nobody catches ends the process only where `main` runs. Somebody may catch it even there: an
            // executor with one thread does.
            (Class::Normal, _) if std::thread::current().name() == Some("main") => Self::Main,
            (Class::Normal, _) => Self::Handler,
        }
    }
}

/// Messages never count, whatever their level.
pub(crate) fn fault_of_error(level: Level) -> Option<Fault> {
    (level >= Level::Error).then_some(Fault::Error)
}

pub(crate) fn fault_of_event(event: &Event<'_>, origin: Origin) -> Option<Fault> {
    let is_unhandled = event
        .exception
        .iter()
        .filter_map(|exception| exception.mechanism.as_ref())
        .any(|mechanism| mechanism.handled == Some(false));
    match (is_unhandled, origin) {
        (true, Origin::Handler) => Some(Fault::Unhandled),
        (true, Origin::Main) => Some(Fault::Grave),
        (true, Origin::Application) => Some(Fault::Crash),
        (_, Origin::Death) => Some(Fault::Death),
        (false, Origin::Application | Origin::Handler | Origin::Main) => fault_of_error(event.level),
    }
}
