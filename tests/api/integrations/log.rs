//! `sentry::integrations::log`: the logger.

use std::fmt::{Binary, Debug, LowerHex, Octal, UpperHex};
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, BitXorAssign, Not, Sub, SubAssign};

use log::{Level, Log, Metadata, Record};
use sentry::integrations::log::{
    LogFilter, NoopLogger, RecordMapping, SentryLogger, breadcrumb_from_record, convert_log_level,
    convert_log_level_to_sentry_log_level, default_filter, event_from_record, exception_from_record,
    log_from_record,
};
use sentry::protocol;

const _: fn(&Record<'_>) -> protocol::Breadcrumb = breadcrumb_from_record;
const _: fn(Level) -> protocol::Level = convert_log_level;
const _: fn(Level) -> protocol::LogLevel = convert_log_level_to_sentry_log_level;
const _: fn(&Metadata<'_>) -> LogFilter = default_filter;
const _: fn(&Record<'_>) -> protocol::Event<'static> = event_from_record;
const _: fn(&Record<'_>) -> protocol::Event<'static> = exception_from_record;
const _: fn(&Record<'_>) -> protocol::Log = log_from_record;

const _: [LogFilter; 5] =
    [LogFilter::Ignore, LogFilter::Breadcrumb, LogFilter::Event, LogFilter::Exception, LogFilter::Log];
const _: fn(LogFilter) -> u32 = |filter| filter.bits();
implements!(LogFilter: Binary + BitAnd + BitAndAssign + BitOr + BitOrAssign + BitXor + BitXorAssign + Clone + Copy + Debug
    + Eq + Extend<LogFilter> + FromIterator<LogFilter> + IntoIterator + LowerHex + Not + Octal + Sub + SubAssign + UpperHex);

const _: NoopLogger = NoopLogger;
implements!(NoopLogger: Debug + Default + Log);

const _: RecordMapping = RecordMapping::Ignore;
const _: [fn(protocol::Breadcrumb) -> RecordMapping; 1] = [RecordMapping::Breadcrumb];
const _: [fn(Box<protocol::Event<'static>>) -> RecordMapping; 1] = [RecordMapping::Event];
const _: [fn(protocol::Log) -> RecordMapping; 1] = [RecordMapping::Log];
const _: fn(RecordMapping) -> Vec<RecordMapping> = Vec::from;
implements!(RecordMapping: Debug);

const _: fn() -> SentryLogger<NoopLogger> = SentryLogger::new;
const _: fn(Box<dyn Log>) -> SentryLogger<Box<dyn Log>> = SentryLogger::with_dest;
const _: fn(SentryLogger<NoopLogger>, fn(&Metadata<'_>) -> LogFilter) -> SentryLogger<NoopLogger> =
    SentryLogger::filter;
const _: fn(SentryLogger<NoopLogger>, fn(&Record<'_>) -> RecordMapping) -> SentryLogger<NoopLogger> =
    SentryLogger::mapper;
const _: fn(SentryLogger<NoopLogger>, fn(&Record<'_>) -> Vec<RecordMapping>) -> SentryLogger<NoopLogger> =
    SentryLogger::mapper;
implements!(SentryLogger<NoopLogger>: Default + Log);

/// As the documentation of the published crate has it.
#[test]
fn the_logger_has_a_filter_and_a_mapper() {
    let logger = SentryLogger::new()
        .filter(|metadata| match metadata.level() {
            Level::Error => LogFilter::Event,
            _ => LogFilter::Ignore,
        })
        .mapper(|record| match record.level() {
            Level::Error => vec![
                RecordMapping::Event(Box::new(event_from_record(record))),
                RecordMapping::Breadcrumb(breadcrumb_from_record(record)),
            ],
            _ => vec![RecordMapping::Ignore],
        });
    let events = sentry::test::with_captured_events(|| {
        for level in [Level::Info, Level::Error] {
            logger.log(&Record::builder().level(level).args(format_args!("it broke")).build());
        }
    });
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].message.as_deref(), Some("it broke"));
}
