//! Timestamps in either form of the protocol, as text.

use serde_json::Value;

const DAY: i64 = 86_400;

/// `2025-01-02 03:04:05.678 UTC`.
pub(super) fn date_and_time(timestamp: &Value) -> Option<String> {
    if let Some(text) = timestamp.as_str() {
        return Some(text.replacen('T', " ", 1).replacen('Z', " UTC", 1));
    }
    let (seconds, millis) = split(timestamp)?;
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    Some(format!("{year:04}-{month:02}-{day:02} {}", clock(seconds, millis) + " UTC"))
}

/// `03:04:05.678`.
pub(super) fn time_of_day(timestamp: &Value) -> Option<String> {
    let Some(text) = timestamp.as_str() else {
        let (seconds, millis) = split(timestamp)?;
        return Some(clock(seconds, millis));
    };
    let time = text.split_once('T')?.1.trim_end_matches('Z').split('+').next()?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some(format!("{time}.{fraction}"))
}

fn split(timestamp: &Value) -> Option<(i64, i64)> {
    // Up to the year 9999; a wrong unit is not worth a guess.
    let millis = timestamp.as_f64().filter(|seconds| (0.0..253_402_300_800.0).contains(seconds))? * 1000.0;
    let millis = millis.round() as i64;
    Some((millis.div_euclid(1000), millis.rem_euclid(1000)))
}

fn clock(seconds: i64, millis: i64) -> String {
    let second = seconds.rem_euclid(DAY);
    format!("{:02}:{:02}:{:02}.{millis:03}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(mut day: i64) -> (i64, usize, i64) {
    let mut year = 1970;
    while day >= year_length(year) {
        day -= year_length(year);
        year += 1;
    }
    let february = year_length(year) - 337;
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month + 1, day + 1)
}

fn year_length(year: i64) -> i64 {
    if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_read_the_same() {
        assert_eq!(date_and_time(&json!(1_735_787_045.678)).unwrap(), "2025-01-02 03:04:05.678 UTC");
        assert_eq!(date_and_time(&json!("2025-01-02T03:04:05.678Z")).unwrap(), "2025-01-02 03:04:05.678 UTC");
        assert_eq!(time_of_day(&json!(1_735_787_045.678)).unwrap(), "03:04:05.678");
        assert_eq!(time_of_day(&json!("2025-01-02T03:04:05.678901Z")).unwrap(), "03:04:05.678");
        assert_eq!(time_of_day(&json!("2025-01-02T03:04:05.6+00:00")).unwrap(), "03:04:05.600");
    }

    #[test]
    fn calendar_corners_are_right() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_164_800, "2024-02-29"),
            (1_735_603_200, "2024-12-31"),
            (4_107_542_400_i64, "2100-03-01"),
        ] {
            assert!(date_and_time(&json!(seconds)).unwrap().starts_with(expected), "{seconds}");
        }
    }

    #[test]
    fn nonsense_has_no_time() {
        for bad in [json!(null), json!(-1), json!(1e300), json!("soon")] {
            assert_eq!(time_of_day(&bad), None);
        }
    }
}
