//! `Retry-After`: seconds, or the date of RFC 9110.

use std::time::{Duration, SystemTime};

/// What an unreadable value stands for.
pub(super) const DEFAULT: Duration = Duration::from_secs(60);

/// No limit lasts longer, whatever the server says.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads seconds, fractions included. Negative means now, absurd means a day, nonsense means `None`.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    if seconds.is_nan() {
        return None;
    }
    Some(Duration::from_secs_f64(seconds.clamp(0.0, MAX.as_secs_f64())))
}

/// Reads the value of the header at the time `now`.
pub(super) fn parse(text: &str, now: SystemTime) -> Option<Duration> {
    seconds(text).or_else(|| {
        let at = date(text)?;
        Some(at.duration_since(now).unwrap_or_default().min(MAX))
    })
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn date(text: &str) -> Option<SystemTime> {
    let (_, rest) = text.trim().split_once(',')?;
    let mut words = rest.split_ascii_whitespace();
    let day: u64 = words.next()?.parse().ok()?;
    let month = MONTHS.iter().position(|name| Some(*name) == rest.split_ascii_whitespace().nth(1))?;
    let year: u64 = words.nth(1)?.parse().ok()?;
    let mut clock = words.next()?.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = ((days_since_1970(year, month as u64 + 1, day) * 24 + hour) * 60 + minute) * 60 + second;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days of the Gregorian calendar. Years begin in March here, so that the leap day is the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // (153 m + 2) / 5 is the number of days before month m: 31, 30, 31, 30, 31 repeats every five months.
    let days = year * 365 + leap_days + (153 * month + 2) / 5 + day - 1;
    // 1 March of the year 0 is 719,468 days before 1 January 1970.
    days.saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn dates_are_read() {
        let table = [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2028 23:59:59 GMT", 1_835_481_599),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ];
        for (text, expected) in table {
            assert_eq!(date(text), Some(at(expected)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_not_a_date() {
        for text in [
            "",
            ",",
            "x, y",
            "Sun, 06 Nov 1994",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 18446744073709551615 08:49:37 GMT",
        ] {
            assert_eq!(date(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_date_is_relative_to_now_and_at_most_a_day_away() {
        let text = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(parse(text, at(784_111_707)), Some(Duration::from_secs(70)));
        assert_eq!(parse(text, at(784_111_999)), Some(Duration::ZERO));
        assert_eq!(parse(text, at(0)), Some(MAX));
        assert_eq!(parse("12.5", at(0)), Some(Duration::from_millis(12_500)));
        assert_eq!(parse("soon", at(0)), None);
    }
}
