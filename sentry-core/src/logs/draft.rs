//! A log while a macro puts it together: JSON from the start.
//!
//! Text and values are written where they are at hand, so nothing is copied to be encoded later. Code of the application
//! (`Display`) runs in here, hence no hub is looked at before everything is written.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use crate::protocol::{LogAttribute, LogLevel};
use crate::telemetry::Scratch;
use crate::{json, nesting};

/// A log that is being written.
#[derive(Debug)]
pub struct Draft {
    pub(super) json: Scratch,
    /// Where the attributes begin.
    pub(super) attributes: usize,
    pub(super) parameters: usize,
}

/// A value as a macro has it.
#[derive(Clone, Debug)]
pub enum Given<'a> {
    /// A text that somebody else owns.
    Text(&'a str),
    /// A truth value.
    Boolean(bool),
    /// A number. What is not finite is no value.
    Double(f64),
    /// A whole number.
    Integer(i64),
    /// Anything else.
    Value(LogAttribute),
}

/// The names of the first arguments of a text, and what goes before their values.
const PARAMETERS: [&str; 4] = [
    ",\"sentry.message.parameter.0\":",
    ",\"sentry.message.parameter.1\":",
    ",\"sentry.message.parameter.2\":",
    ",\"sentry.message.parameter.3\":",
];

impl Draft {
    /// A log of this level with this text.
    #[must_use]
    pub fn new(level: LogLevel, body: fmt::Arguments<'_>) -> Self {
        let mut json = Scratch::take();
        json.extend_from_slice(begin(level));
        write_body(&mut json, body);
        json.extend_from_slice(b"\",\"attributes\":");
        Self { attributes: json.len(), json, parameters: 0 }
    }

    /// A log as [`new`](Self::new) writes it, up to its attributes, with a text that [is plain](is_plain).
    #[must_use]
    pub fn begun(begin: &'static str) -> Self {
        let mut json = Scratch::take();
        json.extend_from_slice(begin.as_bytes());
        Self { attributes: json.len(), json, parameters: 0 }
    }

    /// The same with a text that is there already.
    #[must_use]
    pub fn of_text(level: LogLevel, text: &str) -> Self {
        let mut json = Scratch::take();
        json.extend_from_slice(begin(level));
        write_whole_body(&mut json, text);
        json.extend_from_slice(b"\",\"attributes\":");
        Self { attributes: json.len(), json, parameters: 0 }
    }

    /// Adds an attribute. `name`: its key, as `,"key":`.
    // All that is left of it is one call, as it is known which one.
    #[inline(always)]
    pub fn add(&mut self, name: &str, value: Given<'_>) {
        write(&mut self.json, name, value);
    }

    /// Adds attributes that were [encoded](encode) before.
    #[inline]
    pub fn add_encoded(&mut self, attributes: &[u8]) {
        self.json.extend_from_slice(attributes);
    }

    /// Adds the text before its arguments were put in.
    pub fn template(&mut self, template: &'static str) {
        write_text(&mut self.json, ",\"sentry.message.template\":", template);
    }

    /// Adds the next argument of the text. What is no value is told as text: a template must not be without its arguments.
    #[inline(always)]
    pub fn parameter(&mut self, value: Given<'_>) {
        self.begin_parameter();
        match value.absent() {
            None => write(&mut self.json, "", value),
            Some(text) => write_text(&mut self.json, "", text),
        }
        self.parameters += 1;
    }

    fn begin_parameter(&mut self) {
        match PARAMETERS.get(self.parameters) {
            Some(name) => self.json.extend_from_slice(name.as_bytes()),
            // Into memory, which does not fail.
            None => _ = write!(*self.json, ",\"sentry.message.parameter.{}\":", self.parameters),
        }
    }
}

/// A key as it is given with a value.
#[must_use]
pub fn name(key: &str) -> String {
    let mut name = b",".to_vec();
    json::text(&mut name, key);
    name.push(b':');
    // Made of texts.
    String::from_utf8(name).unwrap_or_default()
}

/// Attributes that many logs have, to be encoded once.
#[must_use]
pub fn encode(attributes: &[(&str, Given<'_>)]) -> Vec<u8> {
    let mut json = Vec::new();
    attributes.iter().for_each(|(key, value)| write(&mut json, &name(key), value.clone()));
    json
}

/// Whether a text is the same in JSON, and written as it is by [`format!`]. The compiler knows it of what macros are given.
#[must_use]
pub const fn is_plain(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [byte, others @ ..] = rest {
        if *byte < b' ' || matches!(*byte, b'"' | b'\\' | b'{' | b'}') {
            return false;
        }
        rest = others;
    }
    text.len() <= nesting::BODY
}

fn begin(level: LogLevel) -> &'static [u8] {
    match level {
        LogLevel::Trace => b"{\"level\":\"trace\",\"severity_number\":1,\"body\":\"",
        LogLevel::Debug => b"{\"level\":\"debug\",\"severity_number\":5,\"body\":\"",
        LogLevel::Info => b"{\"level\":\"info\",\"severity_number\":9,\"body\":\"",
        LogLevel::Warn => b"{\"level\":\"warn\",\"severity_number\":13,\"body\":\"",
        LogLevel::Error => b"{\"level\":\"error\",\"severity_number\":17,\"body\":\"",
        LogLevel::Fatal => b"{\"level\":\"fatal\",\"severity_number\":21,\"body\":\"",
    }
}

impl Given<'_> {
    /// What is no value, as text.
    #[inline]
    fn absent(&self) -> Option<&'static str> {
        match self {
            Self::Value(value) => value.0.is_null().then_some("null"),
            Self::Double(number) if number.is_finite() => None,
            Self::Double(number) if number.is_nan() => Some("NaN"),
            Self::Double(number) => Some(if *number < 0.0 { "-inf" } else { "inf" }),
            Self::Boolean(_) | Self::Integer(_) | Self::Text(_) => None,
        }
    }
}

/// Writes a member of which `name` is the part before the value.
#[inline(always)]
fn write(json: &mut Vec<u8>, name: &str, value: Given<'_>) {
    match value {
        Given::Text(text) => write_text(json, name, text),
        Given::Boolean(value) => write_boolean(json, name, value),
        Given::Double(number) => write_double(json, name, number),
        Given::Integer(number) => write_integer(json, name, number),
        Given::Value(value) => write_any(json, name, value),
    }
}

#[inline(never)]
fn write_text(json: &mut Vec<u8>, name: &str, text: &str) {
    json.extend_from_slice(name.as_bytes());
    LogAttribute::write_text(json, text);
}

#[inline(never)]
fn write_boolean(json: &mut Vec<u8>, name: &str, value: bool) {
    json.extend_from_slice(name.as_bytes());
    LogAttribute::write_boolean(json, value);
}

#[inline(never)]
fn write_double(json: &mut Vec<u8>, name: &str, number: f64) {
    if number.is_finite() {
        json.extend_from_slice(name.as_bytes());
        LogAttribute::write_double(json, number);
    }
}

#[inline(never)]
fn write_integer(json: &mut Vec<u8>, name: &str, number: i64) {
    json.extend_from_slice(name.as_bytes());
    LogAttribute::write_integer(json, number);
}

#[inline(never)]
fn write_any(json: &mut Vec<u8>, name: &str, mut value: LogAttribute) {
    if !value.0.is_null() {
        nesting::limit(&mut value.0);
        json.extend_from_slice(name.as_bytes());
        value.write(json);
    }
}

fn write_body(json: &mut Vec<u8>, body: fmt::Arguments<'_>) {
    match body.as_str() {
        Some(text) => write_whole_body(json, text),
        None => write_body_in_parts(json, body),
    }
}

fn write_whole_body(json: &mut Vec<u8>, text: &str) {
    if text.len() <= nesting::BODY {
        json::part(json, text)
    } else {
        write_body_in_parts(json, format_args!("{text}"))
    }
}

fn write_body_in_parts(json: &mut Vec<u8>, body: fmt::Arguments<'_>) {
    let mut text = Text { json, left: nesting::BODY };
    // Fails when there is too much, or with the `Display` of the application: what is there is there.
    if text.write_fmt(body).is_err() && text.left == 0 {
        json.extend_from_slice(b"...");
    }
}

/// Escapes what is written into it.
struct Text<'a> {
    json: &'a mut Vec<u8>,
    /// Bytes that may still come: longer texts have no place in any batch.
    left: usize,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if part.len() <= self.left {
            self.left -= part.len();
            json::part(self.json, part);
            return Ok(());
        }
        let end = (0..=self.left).rev().find(|end| part.is_char_boundary(*end)).unwrap_or_default();
        json::part(self.json, part.get(..end).unwrap_or_default());
        self.left = 0;
        Err(fmt::Error)
    }
}
