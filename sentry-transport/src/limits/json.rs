//! Values of any depth, without recursion.

use std::io::{self, Write};

use sentry_core::protocol::Value;
use sentry_core::protocol::value::Map as Fields;

/// The beginning of `value` as JSON, and how many bytes all of it takes.
pub(super) fn text_of(value: &Value, most: usize) -> (String, usize) {
    let mut sink = Sink { text: Vec::new(), most, total: 0 };
    // A sink takes everything.
    let _ = write(value, &mut sink);
    let Sink { mut text, total, .. } = sink;
    if let Err(error) = std::str::from_utf8(&text) {
        text.truncate(error.valid_up_to());
    }
    (String::from_utf8(text).unwrap_or_default(), total)
}

/// Keeps the first bytes and counts the rest.
struct Sink {
    text: Vec<u8>,
    most: usize,
    total: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.most - self.text.len();
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.total += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A list or an object that is being written.
enum Open<'a> {
    Array(std::slice::Iter<'a, Value>),
    Object(<&'a Fields<String, Value> as IntoIterator>::IntoIter),
}

fn write(value: &Value, sink: &mut Sink) -> io::Result<()> {
    let mut open = Vec::new();
    begin(value, &mut open, sink)?;
    let mut is_first = true;
    while let Some(innermost) = open.last_mut() {
        let (next, closing): (_, &[u8]) = match innermost {
            Open::Array(values) => (values.next().map(|value| (None, value)), b"]"),
            Open::Object(fields) => (fields.next().map(|(name, value)| (Some(name), value)), b"}"),
        };
        let Some((name, value)) = next else {
            sink.write_all(closing)?;
            open.pop();
            is_first = false;
            continue;
        };
        if !is_first {
            sink.write_all(b",")?;
        }
        if let Some(name) = name {
            serde_json::to_writer(&mut *sink, name)?;
            sink.write_all(b":")?;
        }
        is_first = begin(value, &mut open, sink)?;
    }
    Ok(())
}

/// Writes a scalar, or opens what has parts, which is what it tells.
fn begin<'a>(value: &'a Value, open: &mut Vec<Open<'a>>, sink: &mut Sink) -> io::Result<bool> {
    match value {
        Value::Array(values) => {
            open.push(Open::Array(values.iter()));
            sink.write_all(b"[")?;
            Ok(true)
        }
        Value::Object(fields) => {
            open.push(Open::Object(fields.iter()));
            sink.write_all(b"{")?;
            Ok(true)
        }
        scalar => {
            serde_json::to_writer(sink, scalar)?;
            Ok(false)
        }
    }
}
