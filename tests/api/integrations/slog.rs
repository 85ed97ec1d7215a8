//! `sentry::integrations::slog`: the drain.

use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};

use sentry::integrations::slog::{
    LevelFilter, RecordMapping, SentryDrain, breadcrumb_from_record, convert_log_level, default_filter,
    event_from_record, exception_from_record,
};
use sentry::protocol;
use slog::{Discard, Drain, Fuse, Level, Never, OwnedKVList, Record};

const _: fn(&Record<'_>, &OwnedKVList) -> protocol::Breadcrumb = breadcrumb_from_record;
const _: fn(Level) -> protocol::Level = convert_log_level;
const _: fn(Level) -> LevelFilter = default_filter;
const _: fn(&Record<'_>, &OwnedKVList) -> protocol::Event<'static> = event_from_record;
const _: fn(&Record<'_>, &OwnedKVList) -> protocol::Event<'static> = exception_from_record;

const _: fn(LevelFilter) = |filter| match filter {
    LevelFilter::Breadcrumb | LevelFilter::Event | LevelFilter::Exception | LevelFilter::Ignore => {}
};
implements!(LevelFilter: Debug);

const _: RecordMapping = RecordMapping::Ignore;
const _: [fn(protocol::Breadcrumb) -> RecordMapping; 1] = [RecordMapping::Breadcrumb];
const _: [fn(Box<protocol::Event<'static>>) -> RecordMapping; 1] = [RecordMapping::Event];

/// A drain that may fail.
type Inner = Box<dyn slog::SendSyncRefUnwindSafeDrain<Ok = u8, Err = std::io::Error>>;

const _: fn(Inner) -> SentryDrain<Inner> = SentryDrain::new;
const _: fn(SentryDrain<Discard>, fn(Level) -> LevelFilter) -> SentryDrain<Discard> = SentryDrain::filter;
const _: fn(SentryDrain<Discard>, fn(&Record<'_>, &OwnedKVList) -> RecordMapping) -> SentryDrain<Discard> =
    SentryDrain::mapper;
implements!(SentryDrain<Discard>: Drain<Ok = (), Err = Never> + Send + Sync + UnwindSafe + RefUnwindSafe);
implements!(SentryDrain<Inner>: Drain<Ok = u8, Err = std::io::Error>);
implements!(Fuse<SentryDrain<Inner>>: Drain<Ok = (), Err = Never>);

/// As the documentation of the published crate has it.
#[test]
fn records_go_through_the_drain() {
    let root = slog::Logger::root(SentryDrain::new(Discard), slog::o!("global_kv" => 1234));
    let events = sentry::test::with_captured_events(|| {
        slog::info!(root, "recorded as breadcrumb"; "breadcrumb_kv" => Some("breadcrumb"));
        slog::warn!(root, "recorded as regular event"; "event_kv" => "event");
        slog::crit!(root, "recorded as exception event");
    });
    let breadcrumb = &events[0].breadcrumbs.as_ref()[0];
    assert_eq!(breadcrumb.message.as_deref(), Some("recorded as breadcrumb"));
    assert_eq!(breadcrumb.data["breadcrumb_kv"], "breadcrumb");
    assert_eq!(breadcrumb.data["global_kv"], 1234);
    assert_eq!(events[0].message.as_deref(), Some("recorded as regular event"));
    assert_eq!(events[0].extra["event_kv"], "event");
    assert_eq!(events[0].extra["global_kv"], 1234);
    assert_eq!(events[1].message.as_deref(), Some("recorded as exception event"));
}

#[test]
fn the_drain_has_a_filter_and_a_mapper() {
    let drain = SentryDrain::new(Discard)
        .filter(|level| match level {
            Level::Critical | Level::Error => LevelFilter::Event,
            _ => LevelFilter::Ignore,
        })
        .mapper(|record, values| match record.level() {
            Level::Critical | Level::Error => {
                RecordMapping::Event(Box::new(exception_from_record(record, values)))
            }
            _ => RecordMapping::Ignore,
        });
    let root = slog::Logger::root(drain, slog::o!());
    let events = sentry::test::with_captured_events(|| {
        slog::warn!(root, "never");
        slog::error!(root, "it broke");
    });
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].message.as_deref(), Some("it broke"));
}

#[test]
fn records_are_converted_by_hand() {
    let text = format_args!("by hand");
    let record = slog::record!(Level::Error, "", &text, slog::b!());
    let values = slog::o!().into();
    assert_eq!(exception_from_record(&record, &values).message.as_deref(), Some("by hand"));
    assert_eq!(breadcrumb_from_record(&record, &values).level, convert_log_level(Level::Error));
}
