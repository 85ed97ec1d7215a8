//! Check-ins of scheduled jobs.

use serde::{Deserialize, Serialize};

use super::crontab::{self, CrontabParseError};
use super::{Uuid, id, number};

/// The state of one run of a job.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorCheckInStatus {
    /// It ended well.
    Ok,
    /// It failed.
    Error,
    /// It is running.
    InProgress,
    /// It did not start in time. Set by the server.
    Missed,
    /// Something that this version does not know.
    #[serde(other)]
    Unknown,
}

/// The unit of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorIntervalUnit {
    /// A year.
    Year,
    /// A month.
    Month,
    /// A week.
    Week,
    /// A day.
    Day,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
}

/// When a job runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum MonitorSchedule {
    /// At the times of a crontab schedule.
    Crontab {
        /// The schedule.
        value: String,
    },
    /// At intervals.
    Interval {
        /// How many units lie between two runs.
        value: u64,
        /// The unit.
        unit: MonitorIntervalUnit,
    },
}

impl MonitorSchedule {
    /// A crontab schedule, checked: five fields (minute, hour, day of month, month, day of week) or a nickname such as
    /// `@daily`.
    ///
    /// ```
    /// use sentry_core::protocol::MonitorSchedule;
    ///
    /// assert!(MonitorSchedule::from_crontab("*/5 * * * mon-fri").is_ok());
    /// assert!(MonitorSchedule::from_crontab("every five minutes").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// When the server would not understand it.
    pub fn from_crontab(schedule: &str) -> Result<Self, CrontabParseError> {
        if crontab::is_valid(schedule) {
            Ok(Self::Crontab { value: schedule.trim().into() })
        } else {
            Err(CrontabParseError::new(schedule))
        }
    }
}

/// How the server shall watch a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorConfig {
    /// When it runs.
    pub schedule: MonitorSchedule,
    /// How many minutes late it may start before it counts as missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkin_margin: Option<u64>,
    /// How many minutes it may run before it counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<u64>,
    /// The time zone of the schedule, by its name in the tz database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// How many runs have to fail before an issue is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_issue_threshold: Option<u64>,
    /// How many runs have to end well before it is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_threshold: Option<u64>,
}

/// The report of one run of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorCheckIn {
    /// The id of the run; nil stands for the latest one that is in progress.
    #[serde(with = "id")]
    pub check_in_id: Uuid,
    /// The name of the job.
    pub monitor_slug: String,
    /// How the run goes.
    pub status: MonitorCheckInStatus,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// How many seconds it took.
    #[serde(default, skip_serializing_if = "number::is_unwritable")]
    pub duration: Option<f64>,
    /// How to watch it; creates or updates the monitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor_config: Option<MonitorConfig>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_check_in_survives_the_round_trip() {
        let json = json!({
            "check_in_id": "83a7c03ed0a04e1b97e2e3b18d38f244", "monitor_slug": "my-monitor", "status": "in_progress",
            "duration": 10.0, "environment": "production",
            "monitor_config": {
                "schedule": {"type": "crontab", "value": "0 * * * *"}, "checkin_margin": 5, "max_runtime": 30,
                "failure_issue_threshold": 2, "recovery_threshold": 2, "timezone": "America/Los_Angeles"
            }
        });
        let check_in: MonitorCheckIn = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(check_in.status, MonitorCheckInStatus::InProgress);
        assert_eq!(serde_json::to_value(&check_in).unwrap(), json);
    }

    #[test]
    fn an_interval_has_a_unit() {
        let schedule = MonitorSchedule::Interval { value: 2, unit: MonitorIntervalUnit::Hour };
        let json = json!({"type": "interval", "value": 2, "unit": "hour"});
        assert_eq!(serde_json::to_value(&schedule).unwrap(), json);
        assert_eq!(serde_json::from_value::<MonitorSchedule>(json).unwrap(), schedule);
    }

    #[test]
    fn a_status_of_the_future_is_unknown() {
        let status: MonitorCheckInStatus = serde_json::from_value(json!("timeout")).unwrap();
        assert_eq!(status, MonitorCheckInStatus::Unknown);
    }

    #[test]
    fn a_duration_that_is_not_finite_is_left_out() {
        let check_in = MonitorCheckIn {
            check_in_id: Uuid::nil(),
            monitor_slug: "job".into(),
            status: MonitorCheckInStatus::Ok,
            environment: None,
            duration: Some(f64::INFINITY),
            monitor_config: None,
        };
        let json = json!({"check_in_id": "0".repeat(32), "monitor_slug": "job", "status": "ok"});
        assert_eq!(serde_json::to_value(&check_in).unwrap(), json);
    }

    #[test]
    fn a_schedule_is_trimmed() {
        let schedule = MonitorSchedule::from_crontab(" @daily ").unwrap();
        assert_eq!(schedule, MonitorSchedule::Crontab { value: "@daily".into() });
    }
}
