//! Filters with the real error in hand, through every way an error is captured.

use std::error::Error;
use std::fmt;
use std::io;
use std::num::ParseIntError;
use std::sync::{Arc, Mutex};

use sentry::client_report::protocol::{Category, Item, Reason};
use sentry::options::ErrorPattern;
use sentry::protocol::{Context, Event, Map};
use sentry::test::{with_captured_envelopes_options, with_captured_events_options};
use sentry::{CaptureErr as _, ClientOptions, Hint, Level};

#[derive(Debug)]
enum Order {
    Declined(ParseIntError),
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("order was declined")
    }
}

impl Error for Order {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let Self::Declined(source) = self;
        Some(source)
    }
}

/// It cannot be asked for its type: it does not live long enough.
#[derive(Debug)]
struct Borrowing<'a>(&'a Order);

impl fmt::Display for Borrowing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("while serving")
    }
}

impl Error for Borrowing<'_> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Error::source(self.0)
    }
}

fn declined() -> Order {
    Order::Declined("x".parse::<u8>().unwrap_err())
}

/// Options that write down what the hint of each event says.
fn listening() -> (ClientOptions, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let notes = Arc::clone(&seen);
    let options = ClientOptions::new().before_send_with_hint(move |event, hint| {
        let note = format!(
            "order {} parse {} type {}",
            hint.error::<Order>().is_some(),
            hint.error::<ParseIntError>().is_some(),
            hint.error_type().and_then(|path| path.rsplit("::").next()).unwrap_or("-"),
        );
        notes.lock().unwrap().push(note);
        Some(event)
    });
    (options, seen)
}

fn seen(capture: impl FnOnce()) -> Vec<String> {
    let (options, seen) = listening();
    with_captured_events_options(capture, options);
    std::mem::take(&mut *seen.lock().unwrap())
}

/// What was lost, sorted.
fn lost(options: &ClientOptions) -> Vec<(Reason, Category, u64)> {
    let totals = options.client_report_recorder.totals();
    totals.iter().map(|item: &Item| (item.reason(), item.category(), item.quantity())).collect()
}

#[test]
fn sources_are_found_whatever_was_captured() {
    let error = declined();
    let boxed: Box<dyn Error + Send + Sync> = Box::new(declined());
    let seen = seen(|| {
        sentry::capture_error(&error);
        sentry::capture_error(&Borrowing(&error));
        sentry::capture_error(&*boxed);
    });
    assert_eq!(seen[0], "order false parse true type Order");
    // The name of a type that borrows ends with its lifetime.
    assert!(seen[1].starts_with("order false parse true type Borrowing"), "{seen:?}");
    assert!(seen[2].starts_with("order false parse true"), "{seen:?}");
}

#[test]
fn the_captured_error_is_found_where_its_type_is_known() {
    let seen = seen(|| {
        sentry::capture_error_typed(&declined());
        let passed_on = Err::<(), _>(declined()).capture_err();
        assert!(passed_on.is_err() && Ok::<_, Order>(7).capture_err().is_ok());
        sentry::Hub::current().capture_event_with_hint(Event::default(), Hint::of_error(&declined()));
    });
    assert_eq!(seen[..2], ["order true parse true type Order", "order true parse true type Order"]);
    assert_eq!(seen[2], "order true parse true type -");
    assert_eq!(seen.len(), 3);
}

#[cfg(feature = "anyhow")]
#[test]
fn errors_of_anyhow_are_found() {
    use anyhow::Context as _;
    use sentry::integrations::anyhow::{AnyhowResultExt as _, capture_anyhow};

    let seen = seen(|| {
        capture_anyhow(&anyhow::Error::new(declined()));
        // Both extensions are in scope here.
        let _ = Err::<(), _>(declined()).context("no invoice").capture_err();
        let _ = Err::<(), _>(declined()).capture_err();
    });
    assert_eq!(seen[..2], ["order true parse true type -", "order true parse true type -"]);
    assert_eq!(seen.len(), 3);
}

#[test]
fn messages_and_events_have_no_error() {
    let seen = seen(|| {
        sentry::capture_message("hello", Level::Info);
        sentry::capture_event(Event::default());
    });
    assert_eq!(seen, ["order false parse false type -", "order false parse false type -"]);
}

#[test]
fn a_callback_sees_the_scope_that_the_event_was_captured_in() {
    let options = ClientOptions::new().before_send_with_hint(|mut event, hint| {
        let files = hint.scope()?.attachments();
        event.tags.insert("file".into(), files[0].filename.clone());
        Some(event)
    });
    let capture = || {
        sentry::configure_scope(|scope| {
            scope.add_attachment(sentry::protocol::Attachment {
                filename: "cart.json".into(),
                ..Default::default()
            });
        });
        sentry::capture_message("x", Level::Info);
    };
    assert_eq!(with_captured_events_options(capture, options)[0].tags["file"], "cart.json");
}

#[test]
fn both_filters_run_in_order_and_what_they_drop_is_counted() {
    let options = ClientOptions::new()
        .before_send(|mut event| {
            event.tags.insert("first".into(), "yes".into());
            (event.level != Level::Debug).then_some(event)
        })
        .before_send_with_hint(|event, hint| {
            assert_eq!(event.tags["first"], "yes");
            match hint.error::<io::Error>()?.kind() {
                io::ErrorKind::BrokenPipe => None,
                io::ErrorKind::TimedOut => panic!("as ordered"),
                _ => Some(event),
            }
        });
    let kept = options.clone();
    let events = with_captured_events_options(
        || {
            sentry::capture_message("x", Level::Debug);
            for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::TimedOut, io::ErrorKind::NotFound] {
                sentry::capture_error_typed(&io::Error::from(kind));
            }
        },
        options,
    );
    assert_eq!(events.len(), 1);
    let mut lost = lost(&kept);
    lost.sort_by_key(|(_, _, quantity)| *quantity);
    assert_eq!(lost, [(Reason::CallbackError, Category::Error, 1), (Reason::BeforeSend, Category::Error, 2)]);
}

#[test]
fn errors_are_ignored_by_text_type_and_function() {
    let ignored = |options: ClientOptions, capture: &dyn Fn()| {
        let kept = options.clone();
        let events = with_captured_events_options(capture, options);
        let lost = lost(&kept);
        assert!(lost.iter().all(|(reason, _, _)| *reason == Reason::EventProcessor), "{lost:?}");
        assert_eq!(events.len() as u64 + lost.iter().map(|(_, _, quantity)| quantity).sum::<u64>(), 1);
        events.is_empty()
    };
    let error = declined();
    let boxed: Box<dyn Error> = Box::new(declined());
    let plain: &dyn Fn() = &|| _ = sentry::capture_error(&error);
    let typed: &dyn Fn() = &|| _ = sentry::capture_error_typed(&error);
    let behind_dyn: &dyn Fn() = &|| _ = sentry::capture_error(&*boxed);
    let as_event: &dyn Fn() = &|| _ = sentry::capture_event(sentry::event_from_error(&error));
    let everyone = [plain, typed, behind_dyn, as_event];
    for pattern in ["invalid digit", "Declined", "ParseIntError: invalid", "order was"] {
        for capture in everyone {
            assert!(ignored(ClientOptions::new().ignore_errors([pattern]), capture), "{pattern}");
        }
    }
    let by = |pattern: ErrorPattern| ClientOptions::new().ignore_errors([pattern]);
    for capture in everyone {
        let regex = |text: &str| text.starts_with("ParseIntError") && text.ends_with("string");
        assert!(ignored(by(ErrorPattern::matching(regex)), capture));
        assert!(!ignored(by(ErrorPattern::matching(|text| text == "ParseIntError")), capture));
        assert!(!ignored(by(ErrorPattern::of::<io::Error>()), capture));
        assert!(!ignored(ClientOptions::new().ignore_errors(["", "nothing like it"]), capture));
    }
    // A type is known where the error is, or where its path is.
    for capture in [plain, typed, as_event] {
        assert!(ignored(by(ErrorPattern::of::<Order>()), capture));
    }
    for capture in [plain, typed, behind_dyn] {
        assert!(ignored(by(ErrorPattern::of::<ParseIntError>()), capture));
    }
}

#[test]
fn no_callback_sees_what_is_ignored_and_messages_are_no_errors() {
    let options = ClientOptions::new().ignore_errors(["secret"]).before_send(|event| {
        assert!(event.exception.is_empty());
        Some(event)
    });
    let kept = options.clone();
    let capture = || {
        sentry::capture_error(&io::Error::other("secret"));
        sentry::capture_message("secret", Level::Error);
    };
    assert_eq!(with_captured_events_options(capture, options).len(), 1);
    assert_eq!(lost(&kept), [(Reason::EventProcessor, Category::Error, 1)]);
}

#[cfg(feature = "release-health")]
#[test]
fn a_session_hears_of_sampled_errors_and_not_of_ignored_ones() {
    let errors = |options: ClientOptions| {
        let envelopes = with_captured_envelopes_options(
            || {
                sentry::start_session();
                sentry::capture_error(&io::Error::other("x"));
                sentry::end_session();
            },
            options.release("app@1"),
        );
        let updates = envelopes.iter().flat_map(|envelope| envelope.items());
        let session = |item: &sentry::protocol::EnvelopeItem| match item {
            sentry::protocol::EnvelopeItem::SessionUpdate(update) => Some(update.errors),
            _ => None,
        };
        updates.filter_map(session).max()
    };
    assert_eq!(errors(ClientOptions::new().ignore_errors(["x"])), Some(0));
    assert_eq!(errors(ClientOptions::new().error_sampler(|_, _| 0.0)), Some(1));
}

#[test]
fn the_sampler_decides_after_all_others() {
    let options = ClientOptions::new()
        .sample_rate(0.0)
        .before_send(|mut event| {
            event.level = Level::Warning;
            Some(event)
        })
        .error_sampler(|event, hint| {
            assert_eq!(event.level, Level::Warning);
            if hint.error::<Order>().is_some() { 1.0 } else { 0.0 }
        });
    let kept = options.clone();
    let capture = || {
        sentry::capture_error_typed(&declined());
        sentry::capture_message("x", Level::Info);
        sentry::capture_message("y", Level::Info);
    };
    let events = with_captured_events_options(capture, options);
    assert_eq!((events.len(), &*events[0].exception[1].ty), (1, "Order::Declined"));
    assert_eq!(lost(&kept), [(Reason::SampleRate, Category::Error, 2)]);
}

/// The hook asks nobody; whoever finishes the event does.
#[cfg(feature = "panic")]
mod panics {
    use std::panic::catch_unwind;

    use super::*;

    fn panicking(options: ClientOptions, messages: &'static [&'static str]) -> Vec<Event<'static>> {
        let options = options.add_integration(sentry::integrations::panic::PanicIntegration::new());
        let run = || {
            for message in messages {
                assert!(catch_unwind(|| panic!("{message}")).is_err());
            }
        };
        with_captured_events_options(run, options)
    }

    #[test]
    fn a_panic_has_no_error_but_a_message_and_a_location() {
        let options = ClientOptions::new().before_send_with_hint(|mut event, hint| {
            assert!(hint.errors().next().is_none());
            let panic = hint.panic_info()?;
            event.tags.insert("message".into(), panic.message().to_owned());
            event.tags.insert("location".into(), panic.location()?.to_owned());
            Some(event)
        });
        let events = panicking(options, &["by the test"]);
        assert_eq!(events[0].tags["message"], "by the test");
        assert!(events[0].tags["location"].starts_with("tests/hint.rs:"), "{:?}", events[0].tags);
    }

    #[test]
    fn panics_are_ignored_like_errors() {
        let options = ClientOptions::new().ignore_errors(["panic: expected"]);
        let kept = options.clone();
        let events = panicking(options, &["expected by the test", "not expected"]);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].exception[0].value.as_deref(), Some("not expected"));
        assert_eq!(lost(&kept), [(Reason::EventProcessor, Category::Error, 1)]);
    }

    #[test]
    fn panics_are_sampled_once() {
        let options = ClientOptions::new().sample_rate(0.0).error_sampler(|_, hint| {
            let keep = hint.panic_info().is_some_and(|panic| panic.message() == "kept");
            if keep { 1.0 } else { 0.0 }
        });
        let kept = options.clone();
        let events = panicking(options, &["kept", "sampled out"]);
        assert_eq!(events.len(), 1);
        assert_eq!(lost(&kept), [(Reason::SampleRate, Category::Error, 1)]);
    }
}

#[test]
fn fields_of_logging_libraries_become_tags() {
    let fields: Map<_, _> = [("request_id".to_owned(), "r-7".into()), ("size".to_owned(), 3.into())].into();
    let event = Event {
        contexts: [("Rust Tracing Fields".to_owned(), Context::Other(fields))].into(),
        ..Event::default()
    };
    let options = ClientOptions::new().context_tags(["request_id", "absent"]);
    let events = with_captured_events_options(|| _ = sentry::capture_event(event), options);
    assert_eq!(events[0].tags.len(), 1);
    assert_eq!(events[0].tags["request_id"], "r-7");
}
