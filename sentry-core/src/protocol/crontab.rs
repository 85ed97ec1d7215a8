//! Checks crontab schedules before they reach the server, which answers a bad one with silence.

use std::error::Error;
use std::fmt;

/// The text is no crontab schedule.
#[derive(Debug)]
pub struct CrontabParseError {
    schedule: String,
}

impl CrontabParseError {
    /// The error for `schedule`.
    #[must_use]
    pub fn new(schedule: &str) -> Self {
        Self { schedule: schedule.into() }
    }
}

impl fmt::Display for CrontabParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid crontab schedule {:?}, expected five fields such as \"*/5 * * * mon-fri\"",
            self.schedule
        )
    }
}

impl Error for CrontabParseError {}

/// Schedules with a name instead of fields.
const NICKNAMES: [&str; 6] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What one of the five fields may hold.
struct Field {
    lowest: u8,
    highest: u8,
    /// Names for the values from `lowest` on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { lowest: 0, highest: 59, names: &[] },
    Field { lowest: 0, highest: 23, names: &[] },
    Field { lowest: 1, highest: 31, names: &[] },
    Field { lowest: 1, highest: 12, names: &MONTHS },
    // Sunday is 0 and 7.
    Field { lowest: 0, highest: 7, names: &WEEKDAYS },
];

/// Whether `schedule` has five valid fields, or is one of the nicknames such as `@daily`.
pub(super) fn is_valid(schedule: &str) -> bool {
    if NICKNAMES.contains(&schedule.trim()) {
        return true;
    }
    let mut texts = schedule.split_ascii_whitespace();
    FIELDS.iter().all(|field| texts.next().is_some_and(|text| field.accepts(text))) && texts.next().is_none()
}

impl Field {
    /// A list of steps: `a,b-c,*/n`.
    fn accepts(&self, text: &str) -> bool {
        text.split(',').all(|step| self.accepts_step(step))
    }

    /// A range with an optional step width: `range/n`.
    fn accepts_step(&self, text: &str) -> bool {
        match text.split_once('/') {
            Some((range, width)) => {
                self.accepts_range(range)
                    && number(width).is_some_and(|width| (1..=self.highest).contains(&width))
            }
            None => self.accepts_range(text),
        }
    }

    /// Everything, a value, or two of them: `*`, `a`, `a-b`.
    fn accepts_range(&self, text: &str) -> bool {
        match text.split_once('-') {
            Some((first, last)) => {
                self.value(first).zip(self.value(last)).is_some_and(|(first, last)| first <= last)
            }
            None => text == "*" || self.value(text).is_some(),
        }
    }

    fn value(&self, text: &str) -> Option<u8> {
        let by_name = || (self.lowest..).zip(self.names).find(|(_, name)| name.eq_ignore_ascii_case(text));
        let value = number(text).or_else(|| by_name().map(|(value, _)| value))?;
        (self.lowest..=self.highest).contains(&value).then_some(value)
    }
}

/// Digits only: `parse` alone would take a sign as well.
fn number(text: &str) -> Option<u8> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_schedules_are_accepted() {
        for schedule in [
            "* * * * *",
            "  *   * \t* * * ",
            "0 0 1 1 0",
            "59 23 31 12 7",
            "*/5 * * * *",
            "0-59 0-23 1-31 1-12 0-6",
            "0,15,30-45/5 */2 1,15 jan,JUN-Dec mon-fri",
            "5/10 * * * Sun",
            "@daily",
            "@hourly",
        ] {
            assert!(is_valid(schedule), "{schedule}");
        }
    }

    #[test]
    fn invalid_schedules_are_refused() {
        for schedule in [
            "",
            "invalid",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 0 *",
            "* * * 13 *",
            "* * * * 8",
            "-1 * * * *",
            "+1 * * * *",
            "1- * * * *",
            "-1-5 * * * *",
            "5-1 * * * *",
            "*-5 * * * *",
            "1-2-3 * * * *",
            "*/ * * * *",
            "*/0 * * * *",
            "*/60 * * * *",
            "/5 * * * *",
            "*/5/5 * * * *",
            ", * * * *",
            "1,,2 * * * *",
            "** * * * *",
            "1.5 * * * *",
            "* * * mon *",
            "* * * * jan",
            "mon * * * *",
            "999999999999 * * * *",
            "@reboot",
            "@daily *",
            "\u{661} * * * *",
            ",,,:;:",
        ] {
            assert!(!is_valid(schedule), "{schedule}");
        }
    }

    #[test]
    fn the_error_names_the_schedule() {
        assert!(CrontabParseError::new("nonsense").to_string().contains("nonsense"));
    }
}
