//! `X-Sentry-Rate-Limits`: the grammar of protocol section 3.
//!
//! ```text
//! 60:error;transaction:organization:quota_exceeded, 2700::key
//! └ seconds └ categories (none = all)  └ the rest does not concern us
//! ```
//!
//! The parser never rejects a limit for what it does not know and never panics.

use std::time::Duration;

use super::category::RateLimitingCategory;
use super::retry_after::{DEFAULT, seconds};

/// One limit of the header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limit {
    /// For how long.
    pub(super) duration: Duration,
    /// For what.
    pub(super) categories: Vec<RateLimitingCategory>,
}

/// Every limit of `header` that concerns us.
pub(super) fn parse(header: &str) -> impl Iterator<Item = Limit> + '_ {
    header.split(',').filter_map(limit)
}

fn limit(text: &str) -> Option<Limit> {
    // Spaces mean nothing anywhere.
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (duration, rest) = text.split_once(':')?;
    let categories = categories(rest.split(':').next().unwrap_or_default());
    if categories.is_empty() {
        return None;
    }
    Some(Limit { duration: seconds(duration).unwrap_or(DEFAULT), categories })
}

/// No category at all means all of them; only unknown ones mean none.
fn categories(list: &str) -> Vec<RateLimitingCategory> {
    if list.is_empty() {
        return vec![RateLimitingCategory::Any];
    }
    let mut known: Vec<_> = Vec::new();
    for category in list.split(';').filter_map(RateLimitingCategory::from_name) {
        // Keeps the list as short as the table of categories, whatever the header repeats.
        if !known.contains(&category) {
            known.push(category);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::RateLimitingCategory::{Any, Error, Monitor, Transaction};
    use super::*;

    type Expected = (u64, &'static [RateLimitingCategory]);

    fn limits(header: &str) -> Vec<(u64, Vec<RateLimitingCategory>)> {
        parse(header).map(|limit| (limit.duration.as_secs(), limit.categories)).collect()
    }

    #[test]
    fn every_documented_form_is_understood() {
        let table: &[(&str, &[Expected])] = &[
            ("60:error:key", &[(60, &[Error])]),
            ("60:error;monitor:organization:quota, 10::key", &[(60, &[Error, Monitor]), (10, &[Any])]),
            ("60::organization", &[(60, &[Any])]),
            ("60:", &[(60, &[Any])]),
            (" 6 0 : transaction ; error : key ", &[(60, &[Transaction, Error])]),
            ("60:error:key:reason:ns1;ns2:future:more", &[(60, &[Error])]),
            ("2.5:error:key", &[(2, &[Error])]),
            ("60:unknown;error:key", &[(60, &[Error])]),
            ("60:unknown;other:key", &[]),
            ("x:error:key", &[(60, &[Error])]),
            (":error:key", &[(60, &[Error])]),
            ("60:error;error;error:key", &[(60, &[Error])]),
        ];
        for (header, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(s, c)| (*s, c.to_vec())).collect();
            assert_eq!(limits(header), expected, "{header:?}");
        }
    }

    #[test]
    fn hostile_headers_neither_panic_nor_last_for_more_than_a_day() {
        let huge = "9".repeat(60_000);
        let many = "1:error:key,".repeat(6_000);
        let colons = ":".repeat(64_000);
        for header in [
            "",
            ",",
            ",,,:;:",
            ":",
            "::::",
            ";",
            "NaN:error:",
            "-5:error:",
            "1e300:error:",
            "inf:error:",
            "-inf::",
            "100000000000000000000:error:",
            "60",
            "error",
            "\u{0}:\u{0}",
            "６０:error:",
            "60:err\u{301}or:",
            &huge,
            &many,
            &colons,
        ] {
            for limit in parse(header) {
                assert!(limit.duration <= Duration::from_secs(86_400), "{header:?}");
            }
        }
        assert_eq!(limits(",,,:;:"), []);
        assert_eq!(limits("-5:error:"), [(0, vec![Error])]);
        assert_eq!(limits("NaN:error:"), [(60, vec![Error])]);
        assert_eq!(limits("1e300:error:"), [(86_400, vec![Error])]);
    }
}
