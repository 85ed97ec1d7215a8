//! Literals in SQL.

use super::text::{Hit, Rule};

/// Adds the literals: text in single quotes or dollars, and numbers. What stands in double quotes is a name.
pub(super) fn find(sql: &[u8], hits: &mut Vec<Hit>) {
    let mut at = 0;
    while let Some(&byte) = sql.get(at) {
        let end = match byte {
            b'\'' => quoted(sql, at),
            b'"' | b'`' => {
                at = closed(sql, at, byte);
                continue;
            }
            b'$' => match dollars(sql, at) {
                Some(end) => end,
                None => {
                    at = word(sql, at + 1);
                    continue;
                }
            },
            b'0'..=b'9' => number(sql, at),
            byte if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'@' | b':' | 0x80..) => {
                at = word(sql, at + 1);
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        hits.push(Hit { start: at, end, rule: Rule::Sql });
        at = end;
    }
}

/// Behind the closing quote; doubled and escaped ones do not close.
fn quoted(sql: &[u8], at: usize) -> usize {
    let mut pos = at + 1;
    loop {
        match sql.get(pos..) {
            Some([b'\'', b'\'', ..] | [b'\\', _, ..]) => pos += 2,
            Some([b'\'', ..]) => return pos + 1,
            Some([_, ..]) => pos += 1,
            Some([]) | None => return sql.len(),
        }
    }
}

fn closed(sql: &[u8], at: usize, quote: u8) -> usize {
    memchr::memchr(quote, &sql[at + 1..]).map_or(sql.len(), |length| at + length + 2)
}

/// Behind `$tag$ … $tag$`. `$1` is a parameter.
fn dollars(sql: &[u8], at: usize) -> Option<usize> {
    let length = sql[at + 1..].iter().take(64).position(|byte| *byte == b'$')?;
    let tag = &sql[at..at + length + 2];
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    if !tag[1..tag.len() - 1].iter().all(is_name) {
        return None;
    }
    let body = at + tag.len();
    Some(memchr::memmem::find(&sql[body..], tag).map_or(sql.len(), |end| body + end + tag.len()))
}

fn number(sql: &[u8], at: usize) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    at + sql[at..].iter().take_while(|byte| is_part(byte)).count()
}

fn word(sql: &[u8], at: usize) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    at + sql[at..].iter().take_while(|byte| is_part(byte)).count()
}
