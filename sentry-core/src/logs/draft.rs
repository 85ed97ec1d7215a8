//! A log while a macro puts it together: JSON from the start.
//!
//! Text and values are written where they are at hand, so nothing is copied to be encoded later. Code of the application
//! (`Display`) runs in here, hence no hub is looked at before everything is written.

use std::fmt::{self, Write as _};

use crate::attributes::{Attribute, write_value};
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
        json.extend_from_slice(match level {
            LogLevel::Trace => b"{\"level\":\"trace\",\"severity_number\":1,\"body\":\"",
            LogLevel::Debug => b"{\"level\":\"debug\",\"severity_number\":5,\"body\":\"",
            LogLevel::Info => b"{\"level\":\"info\",\"severity_number\":9,\"body\":\"",
            LogLevel::Warn => b"{\"level\":\"warn\",\"severity_number\":13,\"body\":\"",
            LogLevel::Error => b"{\"level\":\"error\",\"severity_number\":17,\"body\":\"",
            LogLevel::Fatal => b"{\"level\":\"fatal\",\"severity_number\":21,\"body\":\"",
        });
        write_body(&mut json, body);
        json.extend_from_slice(b"\",\"attributes\":");
        let attributes = json.len();
        Self { json, attributes, parameters: 0 }
    }

    /// Adds an attribute. `name`: its key, as `,"key":`.
    #[inline]
    #[must_use]
    pub fn attribute(mut self, name: &'static str, value: Given<'_>) -> Self {
        write(&mut self.json, name, value);
        self
    }

    /// Adds an attribute with a name that is not known before.
    pub fn member(&mut self, key: &str, mut value: Given<'_>) {
        match &mut value {
            Given::Value(LogAttribute(serde_json::Value::Null)) => return,
            Given::Value(value) => nesting::limit(&mut value.0),
            Given::Text(_) => {}
        }
        self.json.push(b',');
        json::text(&mut self.json, key);
        self.json.push(b':');
        match value {
            Given::Text(text) => write_value(&mut self.json, Attribute::Text(text)),
            Given::Value(value) => value.write(&mut self.json),
        }
    }

    /// Adds the text before its arguments were put in.
    #[inline]
    #[must_use]
    pub fn template(mut self, template: &'static str) -> Self {
        write(&mut self.json, ",\"sentry.message.template\":", Given::Text(template));
        self
    }

    /// Adds the next argument of the text.
    #[must_use]
    pub fn parameter(mut self, value: Given<'_>) -> Self {
        match PARAMETERS.get(self.parameters) {
            Some(name) => write(&mut self.json, name, value),
            None => {
                write(&mut self.json, &format!(",\"sentry.message.parameter.{}\":", self.parameters), value)
            }
        }
        self.parameters += 1;
        self
    }
}

fn write(json: &mut Vec<u8>, name: &str, value: Given<'_>) {
    match value {
        Given::Text(text) => {
            json.extend_from_slice(name.as_bytes());
            write_value(json, Attribute::Text(text));
        }
        Given::Value(LogAttribute(serde_json::Value::Null)) => {}
        Given::Value(mut value) => {
            nesting::limit(&mut value.0);
            json.extend_from_slice(name.as_bytes());
            value.write(json);
        }
    }
}

fn write_body(json: &mut Vec<u8>, body: fmt::Arguments<'_>) {
    if let Some(text) = body.as_str().filter(|text| text.len() <= nesting::BODY) {
        return json::part(json, text);
    }
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
