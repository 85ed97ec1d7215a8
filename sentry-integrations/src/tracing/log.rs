//! A log that is written while the fields of an event go by.

use std::fmt::Arguments;

use sentry_core::__logs::{Draft, Given};
use sentry_core::protocol::{LogAttribute, LogLevel, Value};
use tracing_core::Metadata;

use super::convert;

/// Attributes of one log. Who has more takes the long way.
const MAX: usize = 32;

/// A log, as far as the fields have gone by.
pub(super) struct Log {
    level: LogLevel,
    /// There is none before the text is known.
    draft: Option<Draft>,
    keys: [&'static str; MAX],
    len: usize,
    /// The text came too late, or a name came twice: this is no case for a draft.
    is_odd: bool,
    metadata: &'static Metadata<'static>,
}

impl Log {
    pub(super) fn new(metadata: &'static Metadata<'static>) -> Self {
        let mut log = Self {
            level: convert::log_level(metadata),
            draft: None,
            keys: [""; MAX],
            len: 0,
            is_odd: false,
            metadata,
        };
        // What is said of each event is nothing that a field can say.
        log.claim("sentry.origin");
        log.claim("tracing.target");
        let parts = [
            ("code.module.name", metadata.module_path().is_some()),
            ("code.file.path", metadata.file().is_some()),
            ("code.line.number", metadata.line().is_some()),
        ];
        for (name, is_known) in parts {
            if is_known {
                log.claim(name);
            }
        }
        log
    }

    /// Whether an attribute of this name can be added.
    fn claim(&mut self, name: &'static str) -> bool {
        let (taken, free) = self.keys.split_at_mut(self.len);
        match free.first_mut() {
            Some(slot) if !self.is_odd && !taken.contains(&name) => {
                *slot = name;
                self.len += 1;
                true
            }
            _ => {
                self.is_odd = true;
                false
            }
        }
    }

    /// The text of the event.
    pub(super) fn body(&mut self, text: Arguments<'_>) {
        self.is_odd |= self.draft.is_some();
        if !self.is_odd {
            self.draft = Some(Draft::new(self.level, text));
        }
    }

    /// A field with a text.
    pub(super) fn text(&mut self, name: &'static str, shown: Arguments<'_>, text: &str) {
        if name == "message" {
            return self.body(shown);
        }
        self.add(name.strip_prefix("tags.").unwrap_or(name), Given::Text(text));
    }

    /// A field with a value.
    pub(super) fn value(&mut self, name: &'static str, value: &Value) {
        match (value, name.strip_prefix("tags.")) {
            (Value::String(text), _) => self.text(name, format_args!("{text}"), text),
            (value, None) if name == "message" => self.body(format_args!("{value}")),
            (value, None) => self.add(name, Given::Value(LogAttribute(value.clone()))),
            (value, Some(tag)) => self.add(tag, Given::Text(&value.to_string())),
        }
    }

    fn add(&mut self, name: &'static str, value: Given<'_>) {
        if self.claim(name) {
            let level = self.level;
            self.draft.get_or_insert_with(|| Draft::new(level, format_args!(""))).member(name, value);
        }
    }

    /// Captures it on the current hub, if it could be drafted.
    pub(super) fn capture(self) -> bool {
        if self.is_odd {
            return false;
        }
        let Self { level, draft, metadata, .. } = self;
        let draft = draft.unwrap_or_else(|| Draft::new(level, format_args!("")));
        let mut draft = draft.attribute(",\"sentry.origin\":", Given::Text("auto.log.tracing"));
        draft = draft.attribute(",\"tracing.target\":", Given::Text(metadata.target()));
        if let Some(module) = metadata.module_path() {
            draft = draft.attribute(",\"code.module.name\":", Given::Text(module));
        }
        if let Some(file) = metadata.file() {
            draft = draft.attribute(",\"code.file.path\":", Given::Text(file));
        }
        if let Some(line) = metadata.line() {
            draft = draft.attribute(",\"code.line.number\":", Given::Value(Value::from(line).into()));
        }
        draft.capture(self.keys.get(..self.len).unwrap_or_default());
        true
    }
}
