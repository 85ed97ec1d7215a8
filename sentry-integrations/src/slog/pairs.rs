//! The pairs of a record and of the loggers it came through.

use std::error::Error;
use std::fmt;

use sentry_core::__callbacks::guarded;
use sentry_core::event_from_error;
use sentry_core::protocol::value::Number;
use sentry_core::protocol::{Exception, Map, Value};
use slog::{KV, Key, OwnedKVList, Record, SerdeValue};

use super::text::{copied, json, text};

/// Bytes of one value: events keep no more of it.
const VALUE: usize = 16 * 1024;

/// Bytes of all keys and values, likewise. What comes later is not asked for.
const ALL: usize = 256 * 1024;

/// What a pair costs beside its texts.
const PAIR: usize = 32;

/// Sources of an error in its text.
const SOURCES: usize = 50;

/// Keys that say which of several errors is meant.
const ERRORS: [&str; 3] = ["error", "err", "exception"];

/// What pairs say. Of two with one key the newer one counts: that of the record, then that of the nearest logger.
pub(super) struct Pairs {
    pub(super) values: Map<String, Value>,
    pub(super) error: Option<Failure>,
    left: usize,
}

/// An error among the values.
pub(super) struct Failure {
    /// The outermost last. None were asked for of a breadcrumb.
    pub(super) exceptions: Vec<Exception>,
    is_named: bool,
}

/// What an error becomes beside its text.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Errors {
    Exceptions,
    Texts,
}

impl Pairs {
    /// Reads `record` and the `values` of its logger.
    pub(super) fn read(record: &Record<'_>, values: &OwnedKVList, errors: Errors) -> Self {
        let mut pairs = Self { values: Map::new(), error: None, left: ALL };
        // A value may fail or panic before it gives anything: the rest of its list is lost, and the other list is not.
        let mut read = |list: &dyn KV| {
            let mut reader = Reader { pairs: &mut pairs, errors };
            let _ = guarded("reading the pairs of slog", || list.serialize(record, &mut reader));
        };
        read(&record.kv());
        read(values);
        pairs
    }
}

struct Reader<'a> {
    pairs: &'a mut Pairs,
    errors: Errors,
}

impl Reader<'_> {
    /// Adds a pair. `make` makes the value with the room for it, and says how much of it was used.
    fn put(&mut self, key: &Key, make: impl FnOnce(usize) -> (Value, usize)) -> slog::Result {
        let name = name(key);
        if self.pairs.values.contains_key(name) {
            return Ok(());
        }
        let Some(room) = self.pairs.left.checked_sub(name.len() + PAIR) else {
            self.pairs.left = 0;
            return Err(slog::Error::Other);
        };
        let (value, used) = make(room.min(VALUE));
        self.pairs.left = room.saturating_sub(used);
        self.pairs.values.insert(name.to_owned(), value);
        Ok(())
    }

    fn number(&mut self, key: &Key, value: impl Into<Value>) -> slog::Result {
        self.put(key, |_| (value.into(), 0))
    }

    fn text(&mut self, key: &Key, shown: fmt::Arguments<'_>) -> slog::Result {
        self.put(key, |room| {
            let text = text(shown, room);
            let used = text.len();
            (text.into(), used)
        })
    }
}

/// Keys are `&'static str`, or with a feature of `slog` a type of their own.
fn name(key: &impl AsRef<str>) -> &str {
    key.as_ref()
}

macro_rules! as_they_are {
    ($($emit:ident: $ty:ty),* $(,)?) => {
        $(fn $emit(&mut self, key: Key, value: $ty) -> slog::Result {
            self.number(&key, value)
        })*
    };
}

impl slog::Serializer for Reader<'_> {
    as_they_are! {
        emit_bool: bool,
        emit_usize: usize, emit_u8: u8, emit_u16: u16, emit_u32: u32, emit_u64: u64,
        emit_isize: isize, emit_i8: i8, emit_i16: i16, emit_i32: i32, emit_i64: i64,
    }

    fn emit_u128(&mut self, key: Key, value: u128) -> slog::Result {
        match u64::try_from(value) {
            Ok(value) => self.number(&key, value),
            Err(_) => self.text(&key, format_args!("{value}")),
        }
    }

    fn emit_i128(&mut self, key: Key, value: i128) -> slog::Result {
        match i64::try_from(value) {
            Ok(value) => self.number(&key, value),
            Err(_) => self.text(&key, format_args!("{value}")),
        }
    }

    fn emit_f32(&mut self, key: Key, value: f32) -> slog::Result {
        // By its digits: 0.1 is not 0.10000000149011612.
        self.emit_f64(key, value.to_string().parse().unwrap_or_else(|_| value.into()))
    }

    fn emit_f64(&mut self, key: Key, value: f64) -> slog::Result {
        match Number::from_f64(value) {
            Some(number) => self.number(&key, number),
            // JSON has no such number.
            None => self.text(&key, format_args!("{value}")),
        }
    }

    fn emit_unit(&mut self, key: Key) -> slog::Result {
        self.number(&key, ())
    }

    fn emit_none(&mut self, key: Key) -> slog::Result {
        self.number(&key, ())
    }

    fn emit_char(&mut self, key: Key, value: char) -> slog::Result {
        self.text(&key, format_args!("{value}"))
    }

    fn emit_str(&mut self, key: Key, value: &str) -> slog::Result {
        self.put(&key, |room| {
            let text = copied(value, room);
            let used = text.len();
            (text.into(), used)
        })
    }

    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        self.text(&key, *value)
    }

    fn emit_serde(&mut self, key: Key, value: &dyn SerdeValue) -> slog::Result {
        self.put(&key, |room| json(value, room))
    }

    fn emit_error(&mut self, key: Key, error: &(dyn Error + 'static)) -> slog::Result {
        let name = name(&key);
        let is_named = ERRORS.contains(&name);
        let is_better = self.pairs.error.as_ref().is_none_or(|other| is_named && !other.is_named);
        if is_better && !self.pairs.values.contains_key(name) {
            let exceptions = match self.errors {
                Errors::Exceptions => event_from_error(error).exception.values,
                Errors::Texts => Vec::new(),
            };
            self.pairs.error = Some(Failure { exceptions, is_named });
        }
        self.text(&key, format_args!("{}", Whole(error)))
    }
}

/// An error and its sources.
struct Whole<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let sources = std::iter::successors(self.0.source(), |&error| error.source());
        sources.take(SOURCES).try_for_each(|source| write!(f, ": {source}"))
    }
}
