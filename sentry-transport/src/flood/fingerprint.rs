//! Which errors are identical.

use std::hash::{DefaultHasher, Hash, Hasher};

use sentry_core::{Class, Gist, Outbound, OutboundItem};

/// The kind of an error; `None` for what is not limited: crashes, and messages captured by hand.
pub(crate) fn fingerprint(outbound: &Outbound) -> Option<u64> {
    if outbound.class() == Class::Fatal {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    match outbound.item() {
        OutboundItem::Error { chain, .. } => {
            let outermost = chain.first()?;
            (&*outermost.ty, outermost.module).hash(&mut hasher);
        }
        OutboundItem::Lean(event) | OutboundItem::Completed(event) => of_event(&event.gist(), &mut hasher)?,
        OutboundItem::Event(event) => of_event(&Gist::from(&**event), &mut hasher)?,
        OutboundItem::Envelope(envelope) => of_event(&envelope.event()?.into(), &mut hasher)?,
        _ => return None,
    }
    if let Some(stack) = outbound.stack() {
        stack.addresses.hash(&mut hasher);
    }
    Some(hasher.finish())
}

fn of_event(event: &Gist<'_>, hasher: &mut DefaultHasher) -> Option<()> {
    if event.is_unhandled {
        return None;
    }
    match &event.outermost {
        Some(outermost) => {
            (outermost.ty, outermost.module).hash(hasher);
            for frame in outermost.frames {
                (frame.instruction_addr, &frame.function, frame.lineno).hash(hasher);
            }
        }
        // What was logged before parameters were filled in, if that is known.
        None => (event.logger?, event.level, event.text).hash(hasher),
    }
    event.fingerprint.hash(hasher);
    Some(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use sentry_core::protocol::{Addr, Envelope, Event, Exception, Frame, LogEntry, Mechanism, Stacktrace};
    use sentry_core::{Client, ClientOptions, Hub, Level, Transport};

    use super::*;

    #[derive(Default)]
    struct Keep(Mutex<Vec<Outbound>>);

    impl Transport for Keep {
        fn send_envelope(&self, envelope: Envelope) {
            self.send(Outbound::from_envelope(envelope));
        }

        fn send(&self, outbound: Outbound) {
            self.0.lock().unwrap().push(outbound);
        }
    }

    fn kinds(captures: impl FnOnce(&Hub)) -> Vec<Option<u64>> {
        let keep = Arc::new(Keep::default());
        let options = ClientOptions {
            dsn: "http://public@localhost/1".parse().ok(),
            transport: Some(Arc::new(Arc::clone(&keep))),
            ..ClientOptions::default()
        };
        let hub = Hub::new(Some(Arc::new(Client::from(options))), Arc::default());
        captures(&hub);
        keep.0.lock().unwrap().iter().map(fingerprint).collect()
    }

    fn exception(ty: &str, handled: bool) -> Event<'static> {
        let mechanism = Mechanism { handled: Some(handled), ..Mechanism::default() };
        let exception = Exception { ty: ty.into(), mechanism: Some(mechanism), ..Exception::default() };
        Event { exception: vec![exception].into(), ..Event::default() }
    }

    #[test]
    fn errors_of_one_type_are_one_kind_whatever_they_say() {
        let kinds = kinds(|hub| {
            hub.capture_error(&std::io::Error::other("one"));
            hub.capture_error(&std::io::Error::other("two"));
            hub.capture_error(&std::fmt::Error);
            hub.capture_event(exception("A", true));
            hub.capture_event(exception("A", true));
            hub.capture_event(exception("B", true));
        });
        assert!(kinds.iter().all(Option::is_some));
        assert_eq!(kinds[0], kinds[1]);
        assert_ne!(kinds[0], kinds[2]);
        assert_eq!(kinds[3], kinds[4]);
        assert_ne!(kinds[3], kinds[5]);
    }

    #[test]
    fn messages_by_hand_and_crashes_are_exempt() {
        let kinds = kinds(|hub| {
            hub.capture_message("by hand", Level::Error);
            hub.capture_event(Event { message: Some("by hand".into()), ..Event::default() });
            hub.capture_event(exception("Panic", false));
        });
        assert_eq!(kinds, [None, None, None]);
    }

    #[test]
    fn plain_records_of_a_logger_are_limited_too() {
        let logged = |logger: &str, text: &str| Event {
            logger: Some(logger.into()),
            message: Some(text.into()),
            ..Event::default()
        };
        let kinds = kinds(|hub| {
            hub.capture_event(logged("app::db", "lost"));
            hub.capture_event(logged("app::db", "lost"));
            hub.capture_event(logged("app::db", "found"));
            hub.capture_event(logged("app::web", "lost"));
            hub.capture_event(Event { level: Level::Warning, ..logged("app::db", "lost") });
        });
        assert!(kinds.iter().all(Option::is_some));
        assert_eq!(kinds[0], kinds[1]);
        assert!(kinds[2..].iter().all(|kind| *kind != kinds[0]));
    }

    #[test]
    fn one_type_from_two_places_is_two_kinds() {
        let at = |address: u64| {
            let frame = Frame { instruction_addr: Some(Addr(address)), ..Frame::default() };
            let stacktrace = Stacktrace { frames: vec![frame], ..Stacktrace::default() };
            let mut event = exception("A", true);
            event.exception.values[0].stacktrace = Some(stacktrace);
            event
        };
        let kinds = kinds(|hub| {
            [at(1), at(1), at(2)].into_iter().for_each(|event| _ = hub.capture_event(event));
        });
        assert_eq!(kinds[0], kinds[1]);
        assert_ne!(kinds[0], kinds[2]);
    }

    #[test]
    fn logged_messages_are_told_apart_by_their_template() {
        let logged = |template: &str, value: &str| Event {
            logger: Some("app::db".into()),
            logentry: Some(LogEntry {
                message: template.into(),
                params: vec![value.into()],
                ..LogEntry::default()
            }),
            ..Event::default()
        };
        let kinds = kinds(|hub| {
            hub.capture_event(logged("lost %s", "a"));
            hub.capture_event(logged("lost %s", "b"));
            hub.capture_event(logged("found %s", "a"));
        });
        assert_eq!(kinds[0], kinds[1]);
        assert!(kinds[0].is_some());
        assert_ne!(kinds[0], kinds[2]);
    }
}
