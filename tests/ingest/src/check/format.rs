//! The common formats of protocol 2.

use serde_json::Value;

/// 32 lower-case hex digits, not all of them zero.
pub(super) fn is_id(value: &Value) -> bool {
    is_hex(value, 32)
}

/// 16 lower-case hex digits, not all of them zero.
pub(super) fn is_span_id(value: &Value) -> bool {
    is_hex(value, 16)
}

/// A finite number of seconds, or RFC 3339 in UTC.
pub(super) fn is_timestamp(value: &Value) -> bool {
    value.as_f64().is_some_and(f64::is_finite) || value.as_str().is_some_and(is_utc)
}

/// `2025-01-02T03:04:05Z`, with an optional fraction.
pub(super) fn is_utc(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let Some((start, zone)) = text.as_bytes().split_at_checked(SHAPE.len()) else { return false };
    let fits = start.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    let Some(zone) = zone.strip_suffix(b"Z").or_else(|| zone.strip_suffix(b"+00:00")) else { return false };
    let fraction_fits = match zone.split_first() {
        None => true,
        Some((b'.', digits)) => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    fits && fraction_fits
}

/// `0x` and hex digits.
pub(super) fn is_address(value: &Value) -> bool {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_hex(value: &Value, length: usize) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == length
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|byte| byte != b'0')
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_lower_hex_and_not_zero() {
        assert!(is_id(&json!("c993afb6b4ac48a6b61b2558e601d65d")));
        assert!(is_span_id(&json!("00000000000000a0")));
        for bad in
            ["C993AFB6B4AC48A6B61B2558E601D65D", "c993afb6-b4ac-48a6-b61b-2558e601d65d", "", &"0".repeat(32)]
        {
            assert!(!is_id(&json!(bad)), "{bad}");
        }
        assert!(!is_id(&json!(7)));
    }

    #[test]
    fn timestamps_are_utc_or_seconds() {
        for good in
            [json!(1.5), json!(0), json!("2025-01-02T03:04:05Z"), json!("2025-01-02T03:04:05.123456+00:00")]
        {
            assert!(is_timestamp(&good), "{good}");
        }
        for bad in [
            json!(null),
            json!("nonsense"),
            json!("2025-01-02T03:04:05"),
            json!("2025-01-02T03:04:05.Z"),
            json!("2025-01-02T03:04:05+02:00"),
            json!("2025-01-02 03:04:05Z"),
        ] {
            assert!(!is_timestamp(&bad), "{bad}");
        }
    }

    #[test]
    fn addresses_are_hex_strings() {
        assert!(is_address(&json!("0xDEADbeef")));
        assert!(!is_address(&json!("0x")) && !is_address(&json!("12")) && !is_address(&json!(12)));
    }
}
