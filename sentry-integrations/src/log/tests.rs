use std::sync::Mutex;

use log::{Level, Log as _, Metadata, Record};
use sentry_core::protocol::{Context, EnvelopeItem, ItemContainer};
use sentry_core::test::{with_captured_envelopes, with_captured_events};

use super::*;

fn record<R>(level: Level, text: &str, with: impl FnOnce(&Record<'_>) -> R) -> R {
    let pairs: &[(&str, log::kv::Value<'_>)] =
        &[("user", 7.into()), ("name", "jane".into()), ("ok", true.into())];
    with(
        &Record::builder()
            .level(level)
            .target("app::db")
            .file(Some("src/db.rs"))
            .line(Some(42))
            .args(format_args!("{text}"))
            .key_values(&pairs)
            .build(),
    )
}

#[test]
fn records_become_what_their_level_says() {
    let logger = SentryLogger::new();
    let events = with_captured_events(|| {
        for (level, text) in [(Level::Debug, "never"), (Level::Info, "hello"), (Level::Error, "it broke")] {
            record(level, text, |record| logger.log(record));
        }
        sentry_core::capture_message("later", sentry_core::Level::Error);
    });
    assert_eq!(events.len(), 2);
    let crumb = &events[0].breadcrumbs[0];
    assert_eq!((crumb.message.as_deref(), crumb.category.as_deref()), (Some("hello"), Some("app::db")));
    assert_eq!(
        (&crumb.data["user"], &crumb.data["name"], &crumb.data["ok"]),
        (&7.into(), &"jane".into(), &true.into())
    );
    let exception = &events[0].exception[0];
    assert_eq!((&*exception.ty, exception.value.as_deref()), ("app::db", Some("it broke")));
    let Context::Other(place) = &events[0].contexts["Rust Log Location"] else { panic!() };
    assert_eq!(place["line"], 42);
    assert_eq!(events[1].breadcrumbs.len(), 1, "an error is no breadcrumb of itself");
}

#[cfg(feature = "logs")]
#[test]
fn records_are_logs_as_well() {
    let envelopes =
        with_captured_envelopes(|| record(Level::Warn, "slow", |record| SentryLogger::new().log(record)));
    let Some(EnvelopeItem::ItemContainer(ItemContainer::Logs(logs))) = envelopes[0].items().next() else {
        panic!()
    };
    assert_eq!((&*logs[0].body, &logs[0].attributes["user"]), ("slow", &7.into()));
    assert_eq!(logs[0].attributes["sentry.origin"], "auto.log.log".into());
    assert_eq!(logs[0].attributes["logger.target"], "app::db".into());
}

#[test]
fn a_mapper_makes_what_it_likes() {
    let logger = SentryLogger::new().mapper(|record| {
        vec![RecordMapping::Event(Box::new(event_from_record(record))), RecordMapping::Ignore]
    });
    let events = with_captured_events(|| record(Level::Trace, "x", |record| logger.log(record)));
    assert_eq!(events[0].message.as_deref(), Some("x"));
    let single =
        SentryLogger::new().mapper(|record| RecordMapping::Breadcrumb(breadcrumb_from_record(record)));
    assert!(with_captured_events(|| record(Level::Error, "x", |record| single.log(record))).is_empty());
}

#[test]
fn everything_is_passed_on() {
    #[derive(Default)]
    struct Dest(Mutex<Vec<String>>);
    impl log::Log for &Dest {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &Record<'_>) {
            self.0.lock().unwrap().push(record.args().to_string());
        }
        fn flush(&self) {
            self.0.lock().unwrap().push("flushed".into());
        }
    }
    let dest = Dest::default();
    let logger = SentryLogger::with_dest(&dest).filter(|_| LogFilter::Ignore);
    record(Level::Trace, "a", |record| {
        assert!(logger.enabled(record.metadata()));
        logger.log(record);
    });
    logger.flush();
    assert_eq!(*dest.0.lock().unwrap(), ["a", "flushed"]);
    let alone = SentryLogger::new().filter(|_| LogFilter::Ignore);
    record(Level::Error, "a", |record| assert!(!alone.enabled(record.metadata())));
}
