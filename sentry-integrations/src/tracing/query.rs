//! Queries without the values in them: a server groups by the text, and values are nobody's business.

/// `query` with `%s` in the place of each text and number. Names, also quoted ones, stay, and so do placeholders.
pub(super) fn parametrized(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let is_in_word = out.chars().next_back().is_some_and(|c| c.is_alphanumeric() || "_$.:@?".contains(c));
        let length = match c {
            '\'' => text(rest),
            '0'..='9' if !is_in_word => number(rest),
            _ => {
                let kept = kept(rest, c);
                out.push_str(&rest[..kept]);
                rest = &rest[kept..];
                continue;
            }
        };
        out.push_str("%s");
        rest = &rest[length..];
    }
    out
}

/// Bytes of a text in quotes, which may hold doubled or escaped quotes. One without an end goes on to the end.
fn text(rest: &str) -> usize {
    let mut bytes = rest.bytes().enumerate().skip(1).peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'\'' if bytes.peek().is_some_and(|(_, next)| *next == b'\'') => _ = bytes.next(),
            b'\'' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Bytes of a number, with fraction, exponent or base.
fn number(rest: &str) -> usize {
    let end = |c: char| !(c.is_ascii_alphanumeric() || c == '.');
    rest.find(end).unwrap_or(rest.len())
}

/// Bytes that stay as they are: a quoted name, a comment, or one character.
fn kept(rest: &str, first: char) -> usize {
    let after = |end: &str| rest[1..].find(end).map_or(rest.len(), |at| 1 + at + end.len());
    match first {
        '"' => after("\""),
        '`' => after("`"),
        _ => first.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_and_names_stay() {
        for (query, expected) in [
            ("SELECT 1", "SELECT %s"),
            ("SELECT * FROM t1 WHERE a = 'x''y' AND b=2.5e3", "SELECT * FROM t1 WHERE a = %s AND b=%s"),
            (
                "SELECT \"col 1\", `c2` FROM a.b3 WHERE id = $1",
                "SELECT \"col 1\", `c2` FROM a.b3 WHERE id = $1",
            ),
            ("WHERE a = ?1 OR b = :v2 OR c = @p3", "WHERE a = ?1 OR b = :v2 OR c = @p3"),
            (r"VALUES ('it\'s', 0xff, -7)", "VALUES (%s, %s, -%s)"),
            ("LIMIT 10 OFFSET 20", "LIMIT %s OFFSET %s"),
        ] {
            assert_eq!(parametrized(query), expected);
        }
    }

    #[test]
    fn ugly_queries_do_no_harm() {
        for (query, expected) in [
            ("", ""),
            ("'", "%s"),
            ("'\\", "%s"),
            ("'a''", "%s"),
            ("\"open 1", "\"open 1"),
            ("größe = 'ü' ß7", "größe = %s ß7"),
            ("`", "`"),
        ] {
            assert_eq!(parametrized(query), expected);
        }
        assert_eq!(parametrized(&"'".repeat(100_001)), "%s");
    }
}
