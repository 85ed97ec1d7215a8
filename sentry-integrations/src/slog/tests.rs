use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sentry_core::protocol::{Context, Event};
use sentry_core::test::with_captured_events;
use sentry_core::{Hub, capture_message};
use slog::{Discard, Drain, Level, Logger, OwnedKVList, Record, crit, debug, error, info, o, warn};

use super::*;

fn logger() -> Logger {
    Logger::root(SentryDrain::new(Discard), o!())
}

fn one_event(f: impl FnOnce()) -> Event<'static> {
    let mut events = with_captured_events(f);
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn records_become_what_their_level_says() {
    let log = logger();
    let events = with_captured_events(|| {
        debug!(log, "a");
        info!(log, "b");
        warn!(log, "slow");
        error!(log, "it broke");
        crit!(log, "it is over");
    });
    let crumbs = events[0].breadcrumbs.iter();
    let crumbs: Vec<_> = crumbs.map(|crumb| (crumb.message.as_deref().unwrap(), crumb.level)).collect();
    use sentry_core::Level::{Debug, Error, Info, Warning};
    assert_eq!(crumbs, [("a", Debug), ("b", Info)]);
    let said: Vec<_> = events.iter().map(|event| (event.message.as_deref().unwrap(), event.level)).collect();
    assert_eq!(said, [("slow", Warning), ("it broke", Error), ("it is over", Error)]);
    assert!(events[0].exception.is_empty() && events[1].exception.is_empty());
    let exception = &events[2].exception[0];
    assert_eq!((&*exception.ty, exception.value.as_deref()), (module_path!(), Some("it is over")));
    let Context::Other(place) = &events[0].contexts["Rust Slog Location"] else { panic!() };
    assert_eq!((&place["file"], &place["module_path"]), (&file!().into(), &module_path!().into()));
    assert!(place["line"].is_u64());
    assert_eq!(
        (default_filter(Level::Trace), convert_log_level(Level::Trace)),
        (LevelFilter::Breadcrumb, Debug)
    );
}

#[test]
fn a_tag_says_what_a_record_is_about() {
    let log = logger();
    let event = one_event(|| {
        info!(log, # "db", "asked");
        error!(log, # "http", "it broke");
    });
    assert_eq!(event.logger.as_deref(), Some("http"));
    assert_eq!(event.breadcrumbs[0].category.as_deref(), Some("db"));
}

#[derive(Clone, serde::Serialize)]
struct Order {
    id: u32,
    items: Vec<&'static str>,
}

#[test]
fn pairs_of_the_record_and_of_all_its_loggers_go_along() {
    let root = Logger::root(SentryDrain::new(Discard), o!("service" => "shop", "who" => "root"));
    let request = root.new(o!("request" => 7_u8, "who" => "request"));
    let job = request.new(o!("job" => -3_i64));
    let order = Order { id: 1, items: vec!["tea", "pot"] };
    let event = one_event(|| {
        info!(job, "sorted"; "float" => 0.1_f32, "big" => u64::MAX, "ok" => true);
        error!(job, "it broke";
            "who" => "record", "order" => slog::Serde(order), "none" => None::<u8>, "some" => Some("text"),
            "letter" => 'x', "huge" => u128::MAX, "wide" => 5_i128, "nan" => f64::NAN, "shown" => ?Some(1),
            "unit" => ());
    });
    let expected = serde_json::json!({
        "service": "shop", "request": 7, "job": -3, "who": "record", "order": {"id": 1, "items": ["tea", "pot"]},
        "none": null, "some": "text", "letter": "x", "huge": u128::MAX.to_string(), "wide": 5, "nan": "NaN",
        "shown": "Some(1)", "unit": null,
    });
    assert_eq!(serde_json::to_value(&event.extra).unwrap(), expected);
    let expected = serde_json::json!({
        "service": "shop", "request": 7, "job": -3, "who": "request", "float": 0.1, "big": u64::MAX, "ok": true,
    });
    assert_eq!(serde_json::to_value(&event.breadcrumbs[0].data).unwrap(), expected);
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such port")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn outer() -> Outer {
    Outer("x".parse::<u8>().unwrap_err())
}

#[test]
fn an_error_is_an_exception_with_its_sources() {
    let log = logger();
    let event = one_event(|| {
        info!(log, "trying again"; "error" => #outer());
        error!(log, "cannot start"; "cause" => #outer());
    });
    let whole = "no such port: invalid digit found in string";
    assert_eq!((event.message.as_deref(), &event.extra["cause"]), (Some("cannot start"), &whole.into()));
    let exceptions = event.exception.iter();
    let exceptions: Vec<_> = exceptions.map(|it| (&*it.ty, it.value.as_deref().unwrap())).collect();
    assert_eq!(exceptions, [("ParseIntError", "invalid digit found in string"), ("Outer", "no such port")]);
    let mechanism = event.exception[1].mechanism.as_ref().unwrap();
    assert_eq!((&*mechanism.ty, mechanism.handled), ("slog", Some(true)));
    assert_eq!((&*event.breadcrumbs[0].ty, &event.breadcrumbs[0].data["error"]), ("error", &whole.into()));
}

#[test]
fn of_several_errors_the_one_that_is_called_so_is_the_exception() {
    let other = || fmt::Error;
    let log = logger().new(o!("error" => slog::ErrorValue(other())));
    let events = with_captured_events(|| {
        error!(log, "a"; "first" => #other(), "err" => #outer(), "last" => #other());
        crit!(log, "b"; "error" => "only a text");
    });
    assert_eq!(events[0].exception.last().unwrap().ty, "Outer");
    assert_eq!(events[0].extra["last"], other().to_string());
    // The error of the logger is hidden by the text of the record.
    assert_eq!(events[1].exception[0].value.as_deref(), Some("b"));
}

#[test]
fn a_mapper_makes_what_it_likes() {
    let drain =
        SentryDrain::new(Discard).filter(|_| LevelFilter::Ignore).mapper(|record, values| {
            match record.level() {
                Level::Info => RecordMapping::Event(Box::new(event_from_record(record, values))),
                Level::Debug => RecordMapping::Breadcrumb(breadcrumb_from_record(record, values)),
                _ => RecordMapping::Ignore,
            }
        });
    let log = Logger::root(drain, o!());
    let event = one_event(|| {
        crit!(log, "never");
        debug!(log, "before");
        info!(log, "x");
    });
    assert_eq!(event.message.as_deref(), Some("x"));
    assert_eq!(event.breadcrumbs[0].message.as_deref(), Some("before"));
}

#[cfg(feature = "logs")]
#[test]
fn records_are_logs_where_that_is_asked_for() {
    use sentry_core::protocol::{EnvelopeItem, ItemContainer, LogLevel};
    use sentry_core::test::with_captured_envelopes;

    let drain = SentryDrain::new(Discard).filter(|_| LevelFilter::Ignore);
    let quiet = Logger::root(drain, o!());
    assert!(with_captured_envelopes(|| crit!(quiet, "never")).is_empty());
    let drain = SentryDrain::new(Discard)
        .filter(|_| LevelFilter::Ignore)
        .logs(|level| level.is_at_least(Level::Warning));
    let log = Logger::root(drain, o!("service" => "shop"));
    let envelopes = with_captured_envelopes(|| {
        info!(log, "never");
        crit!(log, "it is over"; "amount" => 12);
    });
    let Some(EnvelopeItem::ItemContainer(ItemContainer::Logs(logs))) = envelopes[0].items().next() else {
        panic!()
    };
    assert_eq!((logs.len(), &*logs[0].body, logs[0].level), (1, "it is over", LogLevel::Fatal));
    let attributes = &logs[0].attributes;
    assert_eq!((&attributes["service"], &attributes["amount"]), (&"shop".into(), &12.into()));
    assert_eq!(attributes["sentry.origin"], "auto.log.slog".into());
    assert_eq!(attributes["logger.name"], module_path!().into());
    assert_eq!(attributes["code.file.path"], file!().into());
}

/// Counts what reaches it.
#[derive(Clone, Debug, Default)]
struct Inner(Arc<AtomicUsize>);

impl Drain for Inner {
    type Ok = usize;
    type Err = &'static str;

    fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<usize, &'static str> {
        let earlier = self.0.fetch_add(1, Ordering::SeqCst);
        if record.level() == Level::Critical { Err("refused") } else { Ok(earlier) }
    }

    fn is_enabled(&self, level: Level) -> bool {
        level.is_at_least(Level::Error)
    }

    fn flush(&self) -> Result<(), slog::FlushError> {
        Ok(())
    }
}

#[test]
fn everything_is_passed_on_and_the_answer_is_that_of_the_inner_drain() {
    let drain = SentryDrain::new(Inner::default()).filter(|_| LevelFilter::Ignore);
    let values: OwnedKVList = o!().into();
    let text = format_args!("x");
    let log = |record: Record<'_>| drain.log(&record, &values);
    assert_eq!(log(slog::record!(Level::Trace, "", &text, slog::b!())), Ok(0));
    assert_eq!(log(slog::record!(Level::Error, "", &text, slog::b!())), Ok(1));
    assert_eq!(log(slog::record!(Level::Critical, "", &text, slog::b!())), Err("refused"));
    assert!(drain.flush().is_ok());
}

#[test]
fn it_is_enabled_for_what_somebody_takes() {
    let drain = SentryDrain::new(Inner::default()).filter(|level| match level {
        Level::Info => LevelFilter::Breadcrumb,
        _ => LevelFilter::Ignore,
    });
    let enabled = || [Level::Error, Level::Warning, Level::Info].map(|level| drain.is_enabled(level));
    assert_eq!(enabled(), [true, false, false], "nobody listens");
    with_captured_events(|| assert_eq!(enabled(), [true, false, true]));
}

#[test]
fn what_is_ignored_is_not_even_formatted() {
    let asked = Cell::new(0);
    let value = || slog::FnValue(|_: &Record<'_>| asked.set(asked.get() + 1));
    let drain = SentryDrain::new(Discard).filter(|level| match level {
        Level::Error => LevelFilter::Event,
        _ => LevelFilter::Ignore,
    });
    let values: OwnedKVList = o!().into();
    let text = format_args!("x");
    let warning = || drain.log(&slog::record!(Level::Warning, "", &text, slog::b!("v" => value())), &values);
    let error = || drain.log(&slog::record!(Level::Error, "", &text, slog::b!("v" => value())), &values);
    error().unwrap();
    assert_eq!(asked.get(), 0, "nobody listens");
    with_captured_events(|| warning().unwrap());
    assert_eq!(asked.get(), 0);
    with_captured_events(|| error().unwrap());
    assert_eq!(asked.get(), 1);
    with_captured_events(|| sentry_core::suppress(|| error().unwrap()));
    assert_eq!(asked.get(), 1, "the SDK does not report its own work");
}

#[test]
fn threads_have_their_own_records() {
    let root = logger();
    let events = with_captured_events(|| {
        std::thread::scope(|scope| {
            for number in 0..4_usize {
                let (hub, root) = (Hub::new_from_top(Hub::current()), &root);
                scope.spawn(move || {
                    let log = root.new(o!("thread" => number));
                    Hub::run(Arc::new(hub), || {
                        (0..20).for_each(|step| info!(log, "step"; "step" => step));
                        error!(log, "it broke");
                    });
                });
            }
        });
    });
    let mut numbers: Vec<_> = events.iter().map(|event| event.extra["thread"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3]);
    for event in &events {
        assert_eq!(event.breadcrumbs.len(), 20);
        assert!(event.breadcrumbs.iter().all(|crumb| crumb.data["thread"] == event.extra["thread"]));
    }
}

mod hostile;
