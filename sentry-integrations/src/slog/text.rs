//! What values of the application say of themselves, in bounded size.
//!
//! `Display`, `Debug` and `Serialize` are code of the application: a panic in it ends here, and what it captures or logs
//! meanwhile is not captured, or that might go on for ever.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io;

use sentry_core::__callbacks::guarded;
use sentry_core::protocol::Value;
use serde::Serialize as _;
use serde_json::ser::Formatter;

/// Levels of a nested value. Events keep five.
const LEVELS: usize = 64;

/// Ends what was cut.
const CUT: char = '…';

/// The text of `shown`, cut to `most` bytes.
pub(super) fn text(shown: fmt::Arguments<'_>, most: usize) -> String {
    let mut text = Text { written: String::new(), most, is_full: false };
    let outcome = guarded("formatting a value of slog", || text.write_fmt(shown));
    let Text { mut written, is_full, .. } = text;
    match outcome {
        _ if is_full => written.push(CUT),
        Ok(Ok(())) => {}
        Ok(Err(_)) => written.push_str("<the value failed to format itself>"),
        Err(_) => written.push_str("<the value panicked while formatting itself>"),
    }
    written
}

/// `text`, cut likewise.
pub(super) fn copied(text: &str, most: usize) -> String {
    let mut copy = Text { written: String::new(), most, is_full: false };
    if copy.write_str(text).is_err() {
        copy.written.push(CUT);
    }
    copy.written
}

/// Takes what fits and then refuses more, which ends the formatting.
struct Text {
    written: String,
    most: usize,
    is_full: bool,
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = if self.is_full { 0 } else { self.most.saturating_sub(self.written.len()) };
        if text.len() <= room {
            self.written.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
        self.written.push_str(text.get(..end).unwrap_or_default());
        self.is_full = true;
        Err(fmt::Error)
    }
}

/// `value` as JSON, and its length. What is longer than `most` bytes or too deep is its beginning, as a text.
pub(super) fn json(value: &dyn slog::SerdeValue, most: usize) -> (Value, usize) {
    // Errors come back as texts, so the error that was ours is remembered here.
    let is_cut = Cell::new(false);
    let mut room = Room { written: Vec::new(), most, is_cut: &is_cut };
    let outcome = guarded("serializing a value of slog", || {
        let levels = Levels { above: 0, is_cut: &is_cut };
        let mut serializer = serde_json::Serializer::with_formatter(&mut room, levels);
        value.as_serde().serialize(&mut serializer)
    });
    let len = room.written.len();
    match outcome {
        _ if is_cut.get() => {
            let beginning = String::from_utf8_lossy(&room.written);
            (format!("{beginning}{CUT}").into(), len)
        }
        Ok(Ok(())) => match serde_json::from_slice(&room.written) {
            Ok(value) => (value, len),
            Err(error) => refused(format_args!("<the value cannot be read back: {error}>"), most),
        },
        Ok(Err(error)) => refused(format_args!("<the value cannot be serialized: {error}>"), most),
        Err(_) => refused(format_args!("<the value panicked while serializing itself>"), most),
    }
}

fn refused(why: fmt::Arguments<'_>, most: usize) -> (Value, usize) {
    let text = text(why, most);
    let len = text.len();
    (text.into(), len)
}

/// Takes what fits and then refuses more, which ends the serialization.
struct Room<'a> {
    written: Vec<u8>,
    most: usize,
    is_cut: &'a Cell<bool>,
}

impl io::Write for Room<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.most.saturating_sub(self.written.len());
        if room == 0 && !bytes.is_empty() {
            return cut(self.is_cut);
        }
        let fits = bytes.get(..room).unwrap_or(bytes);
        self.written.extend_from_slice(fits);
        Ok(fits.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts levels: whoever nests without end would use up the stack.
struct Levels<'a> {
    above: usize,
    is_cut: &'a Cell<bool>,
}

fn cut<T>(is_cut: &Cell<bool>) -> io::Result<T> {
    is_cut.set(true);
    Err(io::ErrorKind::StorageFull.into())
}

impl Levels<'_> {
    fn deeper<W: ?Sized + io::Write>(&mut self, writer: &mut W, opening: &[u8]) -> io::Result<()> {
        self.above += 1;
        writer.write_all(opening)?;
        if self.above > LEVELS { cut(self.is_cut) } else { Ok(()) }
    }

    fn back<W: ?Sized + io::Write>(&mut self, writer: &mut W, closing: &[u8]) -> io::Result<()> {
        self.above = self.above.saturating_sub(1);
        writer.write_all(closing)
    }
}

impl Formatter for Levels<'_> {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.deeper(writer, b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.back(writer, b"]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.deeper(writer, b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.back(writer, b"}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows itself as a closure says.
    struct Shown<F>(F);

    impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Shown<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0(f)
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(text(format_args!("{}", "short"), 5), "short");
        assert_eq!(text(format_args!("{}{}", "ab", "cdef"), 5), "abcde…");
        assert_eq!(text(format_args!("äöü"), 5), "äö…");
        assert_eq!(text(format_args!("x"), 0), "…");
        assert_eq!((copied("short", 5), copied("äöü", 5)), ("short".to_owned(), "äö…".to_owned()));
        let endless = Shown(|f: &mut fmt::Formatter<'_>| {
            loop {
                f.write_str("endless ")?
            }
        });
        assert_eq!(text(format_args!("{endless}"), 12), "endless endl…");
    }

    #[test]
    fn nothing_comes_after_the_cut() {
        let stubborn = Shown(|f: &mut fmt::Formatter<'_>| {
            let _ = f.write_str("four letters");
            f.write_str("x")
        });
        assert_eq!(text(format_args!("{stubborn}"), 4), "four…");
    }

    #[test]
    fn what_cannot_be_formatted_says_so() {
        let fails = Shown(|f: &mut fmt::Formatter<'_>| f.write_str("half").and(Err(fmt::Error)));
        assert_eq!(text(format_args!("{fails}"), 100), "half<the value failed to format itself>");
        let panics = Shown(|_: &mut fmt::Formatter<'_>| panic!("expected by the test"));
        assert_eq!(text(format_args!("{panics}"), 100), "<the value panicked while formatting itself>");
    }

    #[test]
    fn nested_values_are_json_while_they_fit() {
        let json = |value: &Value, most| json(&slog::Serde(value.clone()), most).0;
        let value = serde_json::json!({"a": [1, 2.5, null, "x"], "b": {"c": true}});
        assert_eq!(json(&value, 1_000), value);
        assert_eq!(json(&value, 8), r#"{"a":[1,…"#);
        let deep = (0..LEVELS).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
        assert_eq!(json(&deep, 1_000), deep);
        assert_eq!(json(&serde_json::json!([deep]), 1_000), Value::from("[".repeat(LEVELS + 1) + "…"));
    }

    #[test]
    fn what_is_no_json_says_so() {
        let keys: std::collections::BTreeMap<Vec<u8>, u8> = [(vec![1], 1)].into();
        let (value, _) = json(&slog::Serde(keys), 1_000);
        assert_eq!(value, "<the value cannot be serialized: key must be a string>");
    }
}
