//! Just enough of Base64 to know `name:password` when it is seen.

/// Whether `text` is the Base64 of printable ASCII with a colon in it.
pub(super) fn is_credentials(text: &[u8]) -> bool {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let mut has_colon = false;
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits {
        let Some(value) = value(*digit) else { return false };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            let byte = (bits >> count & 0xff) as u8;
            has_colon |= byte == b':';
            // Passwords may be in UTF-8.
            if byte < b' ' || byte == 0x7f {
                return false;
            }
        }
    }
    has_colon
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
