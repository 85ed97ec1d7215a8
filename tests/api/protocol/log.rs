//! Structured logs.

use std::fmt::Debug;
use std::time::SystemTime;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{Log, LogAttribute, LogLevel, LogSeverityNumber, Map, TraceId, Value};

all_fields!(Log {
    attributes: Map<String, LogAttribute>,
    body: String,
    level: LogLevel,
    severity_number: Option<LogSeverityNumber>,
    timestamp: SystemTime,
    trace_id: Option<TraceId>,
});
implements!(Log: Clone + Debug + LossSource + PartialEq);
wire!(Log);

const _: fn(Value) -> LogAttribute = LogAttribute;
const _: fn(LogAttribute) -> Value = |attribute| attribute.0;
implements!(LogAttribute: Clone + Debug + PartialEq + From<&'static str> + From<String> + From<bool> + From<f64> + From<i64> +
    From<u8> + From<Value>);
wire!(LogAttribute);

const _: fn(LogLevel) = |value| match value {
    LogLevel::Debug
    | LogLevel::Error
    | LogLevel::Fatal
    | LogLevel::Info
    | LogLevel::Trace
    | LogLevel::Warn => {}
};
implements!(LogLevel: Copy + Debug + PartialEq);
wire!(LogLevel);

const _: u8 = LogSeverityNumber::MAX;
const _: u8 = LogSeverityNumber::MIN;
implements!(LogSeverityNumber: Copy + Debug + PartialEq + TryFrom<u8>);
wire!(LogSeverityNumber);

#[test]
fn a_log_is_a_full_literal() {
    let log = Log {
        level: LogLevel::Warn,
        body: "disk nearly full".to_owned(),
        trace_id: Some(TraceId::default()),
        timestamp: SystemTime::UNIX_EPOCH,
        severity_number: LogSeverityNumber::try_from(13).ok(),
        attributes: Map::from([
            ("free".to_owned(), LogAttribute::from(7)),
            ("disk".to_owned(), "sda".into()),
        ]),
    };
    assert_eq!(log.attributes["free"].0, 7);
    assert!(LogSeverityNumber::try_from(0).is_err() && LogSeverityNumber::try_from(25).is_err());
}
