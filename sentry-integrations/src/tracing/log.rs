//! A log that is written while the fields of an event go by.

use std::fmt::Arguments;

use sentry_core::__breadcrumbs::{Brief, Scalar};
use sentry_core::__logs::{Draft, Given, KeySet, encode};
use sentry_core::protocol::LogLevel;
use sentry_core::{__logs, Hub};
use tracing_core::{Field, Metadata};

use super::callsite::{Kind, Known};
use super::convert;

/// Whether logs are wanted here. `None`: nothing is.
#[inline]
pub(super) fn wants() -> Option<bool> {
    __logs::wants_logs()
}

/// Captures a log that was put together.
#[cold]
pub(super) fn capture(log: impl FnOnce() -> sentry_core::protocol::Log) {
    Hub::current().capture_log(log());
}

/// The key of a field.
pub(super) struct Key {
    /// Which field it is.
    at: usize,
    /// The key as JSON.
    name: String,
}

impl Key {
    /// What `field` is called in a log.
    pub(super) fn new(field: &Field, name: &str) -> Self {
        Self { at: field.index(), name: __logs::name(name) }
    }
}

/// What all logs of a callsite have in common.
pub(super) struct Lasting {
    level: LogLevel,
    /// The fields, and then what is said of each event.
    keys: KeySet,
    /// Those of the keys that are there whatever fields are.
    always: u64,
    /// What is said of each event.
    encoded: Vec<u8>,
    /// A name comes twice, or there are too many of them: this is no case for a draft.
    is_odd: bool,
}

impl Lasting {
    pub(super) fn new(metadata: &'static Metadata<'static>) -> Self {
        let mut constants = vec![
            ("sentry.origin", Given::Text("auto.log.tracing")),
            ("tracing.target", Given::Text(metadata.target())),
        ];
        constants.extend(metadata.module_path().map(|path| ("code.module.name", Given::Text(path))));
        constants.extend(metadata.file().map(|file| ("code.file.path", Given::Text(file))));
        constants.extend(metadata.line().map(|line| ("code.line.number", Given::Integer(line.into()))));
        let fields = metadata.fields().iter().map(|field| match field.name() {
            // No attribute, and so no key.
            "message" => "",
            name => name.strip_prefix("tags.").unwrap_or(name),
        });
        let names: Vec<&'static str> = fields.chain(constants.iter().map(|(name, _)| *name)).collect();
        let comes_twice =
            |(at, name): (usize, &str)| !name.is_empty() && names.iter().take(at).any(|other| *other == name);
        Self {
            level: convert::log_level(metadata),
            always: u64::MAX.checked_shl(metadata.fields().len() as u32).unwrap_or_default(),
            encoded: encode(&constants),
            is_odd: names.len() > MAX || names.iter().copied().enumerate().any(comes_twice),
            keys: KeySet::new(names),
        }
    }
}

/// Attributes of one log. Who has more takes the long way.
const MAX: usize = u64::BITS as usize;

/// A log, as far as the fields have gone by.
pub(super) struct Log {
    /// There is none before the text is known.
    draft: Option<Draft>,
    /// A bit for each key that is there.
    present: u64,
    /// It is no case for a draft, or the text came too late.
    pub(super) is_odd: bool,
}

impl Log {
    #[inline]
    pub(super) fn new(lasting: &Lasting) -> Self {
        Self { draft: None, present: lasting.always, is_odd: lasting.is_odd }
    }

    #[inline]
    fn body(&mut self, lasting: &Lasting, text: &str) {
        self.is_odd |= self.draft.is_some();
        if !self.is_odd {
            self.draft = Some(Draft::of_text(lasting.level, text));
        }
    }

    /// A number or a truth value.
    #[inline]
    pub(super) fn scalar(&mut self, lasting: &Lasting, known: &Known, value: Scalar) {
        let value = match value {
            Scalar::Boolean(value) => Given::Boolean(value),
            Scalar::Double(number) => Given::Double(number),
            Scalar::Integer(number) => Given::Integer(number),
            Scalar::Unsigned(number) => number.into(),
        };
        self.add(lasting, known, value);
    }

    /// A field with a text.
    #[inline]
    pub(super) fn text(&mut self, lasting: &Lasting, known: &Known, text: &str) {
        if known.kind == Kind::Message {
            self.body(lasting, text);
        } else {
            self.add(lasting, known, Given::Text(text));
        }
    }

    /// The same with one that is not written yet.
    pub(super) fn write(&mut self, lasting: &Lasting, known: &Known, text: Arguments<'_>) {
        if known.kind != Kind::Message {
            return self.add(lasting, known, Given::Text(&text.to_string()));
        }
        self.is_odd |= self.draft.is_some();
        if !self.is_odd {
            self.draft = Some(Draft::new(lasting.level, text));
        }
    }

    #[inline]
    fn add(&mut self, lasting: &Lasting, known: &Known, value: Given<'_>) {
        if !self.is_odd {
            self.present |= 1 << (known.key.at % MAX);
            self.draft.get_or_insert_with(|| Draft::of_text(lasting.level, "")).add(&known.key.name, value);
        }
    }

    /// Captures it on the current hub, if it could be drafted, and the breadcrumb with it.
    pub(super) fn capture(mut self, lasting: &Lasting, breadcrumb: &mut Option<Brief>) -> bool {
        if self.is_odd {
            return false;
        }
        let draft = self.draft.get_or_insert_with(|| Draft::of_text(lasting.level, ""));
        draft.add_encoded(&lasting.encoded);
        let keys = lasting.keys.present(self.present);
        match breadcrumb.take() {
            Some(breadcrumb) => draft.capture_noted(keys, breadcrumb),
            None => draft.capture_known(keys),
        }
        true
    }
}
