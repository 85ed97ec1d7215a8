//! The `sentry-trace` header.

use std::fmt;

use crate::protocol::{SpanId, TraceId};

/// The value of a `sentry-trace` header. Superseded by
/// [`TracePropagationContext`](crate::TracePropagationContext), which knows `baggage` too.
///
/// ```
/// let headers = [("Sentry-Trace", "09e04486820349518ac7b5d2adbf6ba5-9cf635fa5b870b3a-1")];
/// let trace = sentry_core::parse_headers(headers).unwrap();
/// assert_eq!(trace.to_string(), headers[0].1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SentryTrace {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) sampled: Option<bool>,
}

impl SentryTrace {
    /// A header for the given ids; without `sampled` the decision is left to the receiver.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId, sampled: Option<bool>) -> Self {
        Self { trace_id, span_id, sampled }
    }

    /// Reads a header. Ids that are all zero identify nothing and are refused.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '-');
        let trace_id = TraceId::from(hex::<16>(parts.next()?)?);
        let span_id = SpanId::from(hex::<8>(parts.next()?)?);
        let sampled = match parts.next() {
            None | Some("") => None,
            Some("1") => Some(true),
            Some("0") => Some(false),
            Some(_) => return None,
        };
        Some(Self { trace_id, span_id, sampled })
    }
}

impl fmt::Display for SentryTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.trace_id, self.span_id)?;
        match self.sampled {
            Some(true) => f.write_str("-1"),
            Some(false) => f.write_str("-0"),
            None => Ok(()),
        }
    }
}

/// The last valid `sentry-trace` header among `headers`, whatever the case of its name.
///
/// Superseded by [`TracePropagationContext::try_from_headers`](crate::TracePropagationContext::try_from_headers).
#[must_use]
pub fn parse_headers<'a, I>(headers: I) -> Option<SentryTrace>
where
    I: IntoIterator<Item = (&'a str, &'a str)>,
{
    let values = headers.into_iter().filter(|(name, _)| is_sentry_trace(name));
    values.filter_map(|(_, value)| SentryTrace::parse(value)).last()
}

pub(super) fn is_sentry_trace(name: &str) -> bool {
    name.eq_ignore_ascii_case("sentry-trace")
}

/// `N` bytes as hex digits of either case, not all zero.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    bytes.iter().any(|byte| *byte != 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5";
    const SPAN: &str = "9cf635fa5b870b3a";

    #[test]
    fn headers_round_trip() {
        for flag in ["", "-0", "-1"] {
            let text = format!("{TRACE}-{SPAN}{flag}");
            assert_eq!(SentryTrace::parse(&text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn harmless_variations_are_read() {
        let plain = SentryTrace::parse(&format!("{TRACE}-{SPAN}")).unwrap();
        for text in [
            format!(" \t{TRACE}-{SPAN} "),
            format!("{TRACE}-{SPAN}-"),
            format!("{}-{}", TRACE.to_uppercase(), SPAN.to_uppercase()),
        ] {
            assert_eq!(SentryTrace::parse(&text), Some(plain), "{text}");
        }
    }

    #[test]
    fn ugly_headers_are_refused() {
        let (zero_trace, zero_span) = ("0".repeat(32), "0".repeat(16));
        for text in [
            String::new(),
            "-".into(),
            "--".into(),
            "-1".into(),
            ",,,:;:".into(),
            TRACE.into(),
            format!("{TRACE}-"),
            format!("{TRACE}-1"),
            format!("{TRACE}-{SPAN}-2"),
            format!("{TRACE}-{SPAN}-1-1"),
            format!("{TRACE}-{SPAN}-true"),
            format!("{TRACE}{SPAN}"),
            format!("{TRACE}-{SPAN}0"),
            format!("{}-{SPAN}", &TRACE[1..]),
            format!("{TRACE}-{}", &SPAN[1..]),
            format!("{zero_trace}-{SPAN}"),
            format!("{TRACE}-{zero_span}"),
            format!("+{}-{SPAN}", &TRACE[1..]),
            format!("{}é-{SPAN}", &TRACE[2..]),
            format!("{}\0-{SPAN}", &TRACE[1..]),
            "9".repeat(1_000_000),
        ] {
            assert_eq!(SentryTrace::parse(&text), None, "{text:.80}");
        }
    }

    #[test]
    fn the_last_valid_header_wins() {
        let (first, second) = (format!("{TRACE}-{SPAN}-0"), format!("{TRACE}-{SPAN}-1"));
        let headers = [
            ("SENTRY-TRACE", &*first),
            ("x", "y"),
            ("sentry-Trace", &*second),
            ("sentry-trace", "broken"),
            ("sentry-trace2", &*first),
        ];
        assert_eq!(parse_headers(headers).and_then(|trace| trace.sampled), Some(true));
        assert_eq!(parse_headers([("sentry-trace", "broken")]), None);
        assert_eq!(parse_headers([]), None);
    }
}
