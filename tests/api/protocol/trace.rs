//! Transactions and spans on the wire.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;
use std::time::SystemTime;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    ClientSdkInfo, Context, Map, ParseStatusError, Request, Span, SpanId, SpanStatus, TraceId, Transaction,
    User, Uuid, Value,
};

fields!(Transaction<'static> {
    contexts: Map<String, Context>,
    environment: Option<Cow<'static, str>>,
    event_id: Uuid,
    extra: Map<String, Value>,
    name: Option<String>,
    platform: Cow<'static, str>,
    release: Option<Cow<'static, str>>,
    request: Option<Request>,
    sdk: Option<Cow<'static, ClientSdkInfo>>,
    server_name: Option<Cow<'static, str>>,
    spans: Vec<Span>,
    start_timestamp: SystemTime,
    tags: Map<String, String>,
    timestamp: Option<SystemTime>,
    user: Option<User>,
});
const _: fn(&mut Transaction<'static>) = Transaction::finish;
const _: fn(&mut Transaction<'static>, SystemTime) = Transaction::finish_with_timestamp;
const _: fn(Transaction<'static>) -> Transaction<'static> = Transaction::into_owned;
const _: fn() -> Transaction<'static> = Transaction::new;
implements!(Transaction<'static>: Clone + Debug + Default + Display + LossSource + PartialEq);
wire!(Transaction<'static>);

fields!(Span {
    data: Map<String, Value>,
    description: Option<String>,
    op: Option<String>,
    parent_span_id: Option<SpanId>,
    same_process_as_parent: Option<bool>,
    span_id: SpanId,
    start_timestamp: SystemTime,
    status: Option<SpanStatus>,
    tags: Map<String, String>,
    timestamp: Option<SystemTime>,
    trace_id: TraceId,
});
const _: fn(&mut Span) = Span::finish;
const _: fn(&mut Span, SystemTime) = Span::finish_with_timestamp;
const _: fn() -> Span = Span::new;
implements!(Span: Clone + Debug + Default + Display + LossSource + PartialEq);
wire!(Span);

implements!(SpanId: Copy + Debug + Default + Display + Eq + From<[u8; 8]> + FromStr + Hash + TryFrom<String>);
wire!(SpanId);

implements!(TraceId: Copy + Debug + Default + Display + Eq + From<[u8; 16]> + FromStr + Hash +
    TryFrom<String>);
wire!(TraceId);

const _: fn(SpanStatus) = |value| match value {
    SpanStatus::Aborted
    | SpanStatus::AlreadyExists
    | SpanStatus::Cancelled
    | SpanStatus::DataLoss
    | SpanStatus::DeadlineExceeded
    | SpanStatus::FailedPrecondition
    | SpanStatus::InternalError
    | SpanStatus::InvalidArgument
    | SpanStatus::NotFound
    | SpanStatus::Ok
    | SpanStatus::OutOfRange
    | SpanStatus::PermissionDenied
    | SpanStatus::ResourceExhausted
    | SpanStatus::Unauthenticated
    | SpanStatus::Unavailable
    | SpanStatus::Unimplemented
    | SpanStatus::UnknownError => {}
    _ => {}
};
implements!(SpanStatus: Copy + Debug + Display + Eq + FromStr + Hash);
wire!(SpanStatus);

implements!(ParseStatusError: Debug + Display + Error);

implements!(String: From<SpanId> + From<TraceId>);

#[test]
fn ids_are_hexadecimal_text() {
    assert_eq!(SpanId::from([0xab; 8]).to_string(), "ab".repeat(8));
    assert_eq!(String::from(TraceId::from([0xcd; 16])), "cd".repeat(16));
    assert_eq!("ab".repeat(8).parse::<SpanId>().ok(), Some(SpanId::from([0xab; 8])));
    assert!(TraceId::try_from("nonsense".to_owned()).is_err());
}
