//! Texts that were recorded with `?`.

/// What is in a `Some(…)`.
pub(super) fn inner(text: &str) -> &str {
    text.strip_prefix("Some(").and_then(|text| text.strip_suffix(')')).unwrap_or(text)
}

/// A text as it was before somebody wrote it down with `?`: in quotes, and with backslashes.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(next) = rest.next() {
        plain.push(match next {
            // The text goes on behind a quote: it is not one in quotes.
            '"' => return None,
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => escaped(&mut rest)?,
                other => other,
            },
            other => other,
        });
    }
    Some(plain)
}

/// The rest of `\u{…}`.
fn escaped(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let (digits, behind) = rest.as_str().strip_prefix('{')?.split_once('}')?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    *rest = behind.chars();
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_missing_is_seen_through() {
        assert_eq!(inner("Some(\"SELECT 1\")"), "\"SELECT 1\"");
        for text in ["None", "Some(1", "SELECT f(1)", ""] {
            assert_eq!(inner(text), text);
        }
    }

    #[test]
    fn texts_lose_the_quotes_that_were_put_around_them() {
        for text in ["", "SELECT 1", "a \"b\" 'c'", "\\", "a\nb\t\r\0", "ü\u{7f}\u{200b}", "--\\n"] {
            assert_eq!(unquoted(&format!("{text:?}")).as_deref(), Some(text));
        }
        for text in [
            "",
            "\"",
            "SELECT 1",
            "\"a\" = \"b\"",
            "\"a",
            "a\"",
            "\"\\\"",
            "\"\\u{110000}\"",
            "\"\\u{\"",
            "\"\\ux\"",
        ] {
            assert_eq!(unquoted(text), None, "{text}");
        }
    }
}
