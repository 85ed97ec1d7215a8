//! Remarks on what was taken out, as Relay writes them.
//!
//! ```json
//! {"_meta": {"extra": {"note": {"": {"rem": [["@jwt:filter", "s", 6, 16]], "len": 92}}}}}
//! ```
//!
//! `s` means that something stands in its place, the numbers say where (bytes of what is there now), and `len` how many
//! characters there were before.

use sentry_core::protocol::value::Map as Fields;
use sentry_core::protocol::{Map, Value};

use super::clean::Cleaned;
use super::trail::Trail;

/// How many texts of one item are remarked on; more are scrubbed in silence.
const MOST: usize = 500;

/// The remarks on one item.
#[derive(Debug, Default)]
pub(super) struct Notes {
    meta: Option<Map<String, Value>>,
    count: usize,
    /// The item has no place for them.
    is_silent: bool,
}

impl Notes {
    /// Goes on with what was remarked before.
    pub(super) fn of(meta: Option<Map<String, Value>>) -> Self {
        Self { meta, count: 0, is_silent: false }
    }

    /// For items that have no place for remarks.
    pub(super) fn silent() -> Self {
        Self { is_silent: true, ..Self::default() }
    }

    pub(super) fn into_meta(self) -> Option<Map<String, Value>> {
        self.meta
    }

    /// Remarks on what was taken out of the text at `trail`.
    pub(super) fn add(&mut self, trail: &Trail<'_>, cleaned: &Cleaned) {
        if self.is_silent || self.count == MOST {
            return;
        }
        self.count += 1;
        let mut names = trail.names().into_iter();
        let Some(first) = names.next() else { return };
        let mut place = self.meta.get_or_insert_default().entry(first).or_insert_with(object);
        for name in names.chain([String::new()]) {
            let Some(fields) = as_object(place) else { return };
            place = fields.entry(name).or_insert_with(object);
        }
        let Some(fields) = as_object(place) else { return };
        let remarks = cleaned.remarks();
        match fields.get_mut("rem") {
            Some(Value::Array(rem)) => rem.extend(remarks),
            _ => {
                fields.insert("rem".to_owned(), remarks.collect());
            }
        }
        fields.entry("len").or_insert_with(|| cleaned.length.into());
    }
}

fn object() -> Value {
    Value::Object(Fields::new())
}

/// The fields of `value`, which are none if it was something else.
fn as_object(value: &mut Value) -> Option<&mut Fields<String, Value>> {
    if !value.is_object() {
        *value = object();
    }
    value.as_object_mut()
}
