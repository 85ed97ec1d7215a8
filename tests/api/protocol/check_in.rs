//! Check-ins of scheduled jobs.

use std::error::Error;
use std::fmt::{Debug, Display};

use sentry::protocol::client_report::LossSource;
use sentry::protocol::{
    CrontabParseError, MonitorCheckIn, MonitorCheckInStatus, MonitorConfig, MonitorIntervalUnit,
    MonitorSchedule, Uuid,
};

all_fields!(MonitorCheckIn {
    check_in_id: Uuid,
    duration: Option<f64>,
    environment: Option<String>,
    monitor_config: Option<MonitorConfig>,
    monitor_slug: String,
    status: MonitorCheckInStatus,
});
implements!(MonitorCheckIn: Clone + Debug + LossSource + PartialEq);
wire!(MonitorCheckIn);

const _: fn(MonitorCheckInStatus) = |value| match value {
    MonitorCheckInStatus::Error
    | MonitorCheckInStatus::InProgress
    | MonitorCheckInStatus::Missed
    | MonitorCheckInStatus::Ok
    | MonitorCheckInStatus::Unknown => {}
};
implements!(MonitorCheckInStatus: Copy + Debug + PartialEq);
wire!(MonitorCheckInStatus);

all_fields!(MonitorConfig {
    checkin_margin: Option<u64>,
    failure_issue_threshold: Option<u64>,
    max_runtime: Option<u64>,
    recovery_threshold: Option<u64>,
    schedule: MonitorSchedule,
    timezone: Option<String>,
});
implements!(MonitorConfig: Clone + Debug + PartialEq);
wire!(MonitorConfig);

const _: fn(MonitorSchedule) = |value| match value {
    MonitorSchedule::Crontab { value: _ } | MonitorSchedule::Interval { unit: _, value: _ } => {}
};
const _: fn(&str) -> Result<MonitorSchedule, CrontabParseError> = MonitorSchedule::from_crontab;
implements!(MonitorSchedule: Clone + Debug + PartialEq);
wire!(MonitorSchedule);

const _: fn(MonitorIntervalUnit) = |value| match value {
    MonitorIntervalUnit::Day
    | MonitorIntervalUnit::Hour
    | MonitorIntervalUnit::Minute
    | MonitorIntervalUnit::Month
    | MonitorIntervalUnit::Week
    | MonitorIntervalUnit::Year => {}
};
implements!(MonitorIntervalUnit: Copy + Debug + PartialEq);
wire!(MonitorIntervalUnit);

const _: fn(&str) -> CrontabParseError = CrontabParseError::new;
implements!(CrontabParseError: Debug + Display + Error);

#[test]
fn a_check_in_is_a_full_literal() {
    let check_in = MonitorCheckIn {
        check_in_id: Uuid::nil(),
        monitor_slug: "nightly".to_owned(),
        status: MonitorCheckInStatus::InProgress,
        environment: Some("production".to_owned()),
        duration: None,
        monitor_config: Some(MonitorConfig {
            schedule: MonitorSchedule::from_crontab("*/5 * * * *").expect("a crontab line"),
            checkin_margin: Some(5),
            max_runtime: Some(30),
            timezone: Some("Europe/Vienna".to_owned()),
            failure_issue_threshold: None,
            recovery_threshold: None,
        }),
    };
    assert_eq!(check_in.monitor_config.map(|config| config.max_runtime), Some(Some(30)));
    let hourly = MonitorSchedule::Interval { value: 1, unit: MonitorIntervalUnit::Hour };
    let error: CrontabParseError =
        MonitorSchedule::from_crontab("every day").expect_err("not a crontab line");
    assert_ne!(format!("{error} {hourly:?}"), "");
}
