//! What only the panicking thread can tell of a panic.

use std::panic::PanicHookInfo;

use sentry_core::protocol::{Event, Exception, Level, Map, Mechanism, Thread, Value};
use sentry_core::types::Uuid;

use crate::{hook, payload, thread};

/// Small, for threads with little stack: the event can be made of it elsewhere.
pub(crate) struct Facts {
    message: String,
    location: Option<String>,
    thread: Thread,
    /// What the system calls the thread.
    number: Option<u64>,
    /// The event of the panic just before this one.
    previous: Option<Uuid>,
}

impl Facts {
    pub(crate) fn of(info: &PanicHookInfo<'_>) -> Self {
        Self {
            message: payload::message(info.payload()).into_owned(),
            location: info.location().map(ToString::to_string),
            thread: thread::current(),
            number: thread::system_number(),
            previous: hook::last(),
        }
    }

    /// The event, without its stack.
    pub(crate) fn into_event(self) -> Event<'static> {
        let Self { message, location, thread, number, previous } = self;
        let mut data = Map::new();
        if let Some(location) = location {
            data.insert("location".to_owned(), Value::from(location));
        }
        if let Some(number) = number {
            data.insert(THREAD.to_owned(), Value::from(number));
        }
        // A panic in a destructor that runs because of a panic: nothing else links the two.
        if let Some(previous) = previous {
            data.insert("previous_event".to_owned(), Value::from(previous.simple().to_string()));
        }
        let mechanism = Mechanism { ty: "panic".into(), handled: Some(false), data, ..Mechanism::default() };
        let exception = Exception {
            ty: "panic".into(),
            value: Some(message),
            thread_id: thread.id.clone(),
            mechanism: Some(mechanism),
            ..Exception::default()
        };
        Event {
            exception: vec![exception].into(),
            threads: vec![Thread { crashed: true, current: true, ..thread }].into(),
            level: Level::Fatal,
            ..Event::default()
        }
    }
}

/// What the system calls the thread, in the data of the mechanism.
pub(crate) const THREAD: &str = "tid";
