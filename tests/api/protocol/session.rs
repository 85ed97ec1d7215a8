//! Sessions.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::SystemTime;

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    ParseSessionStatusError, SessionAggregateItem, SessionAggregates, SessionAttributes, SessionStatus,
    SessionUpdate, Uuid,
};

all_fields!(SessionUpdate<'static> {
    attributes: SessionAttributes<'static>,
    distinct_id: Option<String>,
    duration: Option<f64>,
    errors: u64,
    init: bool,
    sequence: Option<u64>,
    session_id: Uuid,
    started: SystemTime,
    status: SessionStatus,
    timestamp: Option<SystemTime>,
});
implements!(SessionUpdate<'static>: Clone + Debug + LossSource + PartialEq);
wire!(SessionUpdate<'static>);

all_fields!(SessionAttributes<'static> {
    environment: Option<Cow<'static, str>>,
    ip_address: Option<IpAddr>,
    release: Cow<'static, str>,
    user_agent: Option<String>,
});
implements!(SessionAttributes<'static>: Clone + Debug + PartialEq);
wire!(SessionAttributes<'static>);

all_fields!(SessionAggregates<'static> {
    aggregates: Vec<SessionAggregateItem>,
    attributes: SessionAttributes<'static>,
});
implements!(SessionAggregates<'static>: Clone + Debug + LossSource + PartialEq);
wire!(SessionAggregates<'static>);

all_fields!(SessionAggregateItem {
    abnormal: u32,
    crashed: u32,
    distinct_id: Option<String>,
    errored: u32,
    exited: u32,
    started: SystemTime,
});
implements!(SessionAggregateItem: Clone + Debug + PartialEq);
wire!(SessionAggregateItem);

const _: fn(SessionStatus) = |value| match value {
    SessionStatus::Abnormal | SessionStatus::Crashed | SessionStatus::Exited | SessionStatus::Ok => {}
};
implements!(SessionStatus: Copy + Debug + Default + Display + FromStr + Hash + Ord);
wire!(SessionStatus);

implements!(ParseSessionStatusError: Debug + Display + Error);

#[test]
fn a_session_is_a_full_literal() {
    let attributes = SessionAttributes {
        release: "shop@1.0.0".into(),
        environment: Some("production".into()),
        ip_address: None,
        user_agent: None,
    };
    let update = SessionUpdate {
        session_id: Uuid::nil(),
        distinct_id: Some("7".to_owned()),
        sequence: None,
        timestamp: None,
        started: SystemTime::UNIX_EPOCH,
        init: true,
        duration: Some(1.5),
        status: SessionStatus::Exited,
        errors: 0,
        attributes: attributes.clone(),
    };
    let item = SessionAggregateItem {
        started: update.started,
        distinct_id: update.distinct_id,
        exited: 1,
        errored: 0,
        abnormal: 0,
        crashed: 0,
    };
    let aggregates = SessionAggregates { aggregates: vec![item], attributes };
    assert_eq!(aggregates.aggregates.len(), 1);
    assert_eq!("crashed".parse::<SessionStatus>().ok(), Some(SessionStatus::Crashed));
}
