//! From a hang to its event.

use std::time::Duration;

use sentry_core::protocol::{Event, Exception, Level, Map, Mechanism, Thread, Value};
use sentry_core::{Class, RawStack};

use super::patience::Hang;
use super::watched::{Seat, Watched};
use crate::native::Taken;
use crate::thread;

pub(super) use crate::native::Stacks;

/// Reports it, with the stack of its thread if there is a way to it. Tells whether the thread is still there.
pub(super) fn send(watched: &Watched, hang: &Hang, timeout: Duration, stacks: &mut Stacks) -> bool {
    let seat = watched.shared.seat();
    let taken = seat.as_ref().and_then(|seat| stacks.take(u32::try_from(seat.number?).ok()?));
    let stack = match taken {
        Some(Taken::Stack(addresses)) => Some(RawStack { addresses }),
        // Its heartbeat was leaked: nobody hangs there.
        Some(Taken::NoThread) if watched.post.is_none() => return false,
        Some(Taken::NoThread) | None => None,
    };
    // Whoever answered just now was caught elsewhere.
    let stack = stack.filter(|_| watched.shared.pulse.is_silent());
    let event = event(watched.name.as_deref(), seat, hang, timeout);
    watched.hub.capture_fatal(event, stack, Class::Normal);
    true
}

fn event(name: Option<&str>, seat: Option<Seat>, hang: &Hang, timeout: Duration) -> Event<'static> {
    let number = seat.as_ref().and_then(|seat| seat.number);
    let thread = seat.map(|seat| seat.thread).unwrap_or_default();
    let who = match (name, &thread.name) {
        (Some(name), _) => name.to_owned(),
        (None, Some(name)) => format!("thread {name}"),
        (None, None) => "a thread".to_owned(),
    };
    let exception = Exception {
        ty: NAME.to_owned(),
        value: Some(format!("{who} has not answered for {timeout:?}")),
        thread_id: thread.id.clone(),
        mechanism: Some(mechanism(hang)),
        ..Exception::default()
    };
    let main = number.map(|number| number == u64::from(std::process::id()));
    let hung = (thread.id.is_some() || thread.name.is_some()).then(|| Thread {
        current: true,
        main: main.filter(|_| HAS_NUMBERS),
        ..thread
    });
    let others = number.map(thread::others).unwrap_or_default();
    Event {
        exception: vec![exception].into(),
        threads: hung.into_iter().chain(others).collect::<Vec<_>>().into(),
        level: Level::Error,
        ..Event::default()
    }
}

/// As the application goes on, perhaps, it counts as handled: a hang makes a session errored, not crashed.
fn mechanism(hang: &Hang) -> Mechanism {
    let ms = |duration: Duration| Value::from(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    let mut data = Map::new();
    data.insert("duration_ms".to_owned(), ms(hang.duration));
    data.insert("hangs".to_owned(), Value::from(hang.count));
    if let Some(previous) = hang.previous {
        data.insert("previous_ms".to_owned(), ms(previous));
    }
    Mechanism {
        ty: NAME.to_owned(),
        handled: Some(true),
        synthetic: Some(true),
        data,
        ..Mechanism::default()
    }
}

/// Of the exception and of the mechanism: what servers know hangs by.
const NAME: &str = "AppHang";
/// Whether the number of the main thread is that of the process.
const HAS_NUMBERS: bool = cfg!(target_os = "linux");

#[cfg(test)]
mod tests {
    use sentry_core::protocol::ThreadId;

    use super::*;

    #[test]
    fn the_event_says_who_hangs_and_for_how_long() {
        let hang =
            Hang { duration: Duration::from_millis(5_250), previous: Some(Duration::from_secs(7)), count: 2 };
        let thread =
            Thread { id: Some(ThreadId::Int(1)), name: Some("main".to_owned()), ..Thread::default() };
        let seat = Seat { number: thread::system_number(), thread };
        let event = event(None, Some(seat), &hang, Duration::from_secs(5));
        let exception = &event.exception[0];
        assert_eq!((exception.ty.as_str(), event.level), ("AppHang", Level::Error));
        assert_eq!(exception.value.as_deref(), Some("thread main has not answered for 5s"));
        let mechanism = exception.mechanism.as_ref().unwrap();
        assert_eq!((mechanism.ty.as_str(), mechanism.handled), ("AppHang", Some(true)));
        let data: Vec<_> = mechanism.data.iter().map(|(key, value)| (key.as_str(), value.as_u64())).collect();
        assert_eq!(data, [("duration_ms", Some(5_250)), ("hangs", Some(2)), ("previous_ms", Some(7_000))]);
        let hung = &event.threads[0];
        assert!(hung.current && !hung.crashed && hung.id == exception.thread_id);
        assert!(event.threads.iter().skip(1).all(|thread| !thread.current));
    }

    #[test]
    fn a_loop_that_never_answered_has_no_thread() {
        let hang = Hang { duration: Duration::from_secs(5), previous: None, count: 1 };
        let event = event(Some("ui"), None, &hang, Duration::from_secs(5));
        assert_eq!(event.exception[0].value.as_deref(), Some("ui has not answered for 5s"));
        assert!(event.threads.is_empty() && event.exception[0].thread_id.is_none());
    }
}
