//! Remarks on what was taken out, as Relay writes them.
//!
//! ```json
//! {"_meta": {"extra": {"note": {"": {"rem": [["@jwt:filter", "s", 6, 16]], "len": 92}}}}}
//! ```
//!
//! `s` means that something stands in its place, the numbers say where (bytes of what is there now), and `len` how many
//! characters there were before.

use std::borrow::Cow;

use sentry_core::protocol::value::Map as Fields;
use sentry_core::protocol::{Map, Value};

use super::clean::Cleaned;
use super::trail::Trail;

/// How many texts of one item are remarked on; more are scrubbed in silence.
const MOST: usize = 500;

/// The remarks on one item.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    meta: Option<Map<String, Value>>,
    count: usize,
    /// The item has no place for them.
    is_silent: bool,
}

impl Notes {
    /// Goes on with what was remarked before.
    pub(crate) fn of(meta: Option<Map<String, Value>>) -> Self {
        Self { meta, count: 0, is_silent: false }
    }

    /// For items that have no place for remarks.
    pub(crate) fn silent() -> Self {
        Self { is_silent: true, ..Self::default() }
    }

    pub(crate) fn into_meta(self) -> Option<Map<String, Value>> {
        self.meta
    }

    /// Remarks on what was taken out of the text at `trail`.
    pub(super) fn add(&mut self, trail: &Trail<'_>, cleaned: &Cleaned) {
        let Some(fields) = self.at(trail) else { return };
        let remarks = cleaned.remarks();
        match fields.get_mut("rem") {
            Some(Value::Array(rem)) => rem.extend(remarks),
            _ => {
                fields.insert("rem".to_owned(), remarks.collect());
            }
        }
        fields.entry("len").or_insert_with(|| cleaned.length.into());
    }

    /// Where the remarks on the value at `trail` stand, unless there is no place for any.
    pub(crate) fn at(&mut self, trail: &Trail<'_>) -> Option<&mut Fields<String, Value>> {
        if self.is_silent {
            return None;
        }
        if self.count == MOST {
            // What is there has to stay true.
            return self.within(trail)?.get_mut("")?.as_object_mut();
        }
        self.count += 1;
        let mut names = trail.names().into_iter();
        let first = names.next()?;
        let mut place = self.meta.get_or_insert_default().entry(first.into_owned()).or_insert_with(object);
        for name in names.chain([Cow::Borrowed("")]) {
            place = as_object(place)?.entry(name.into_owned()).or_insert_with(object);
        }
        as_object(place)
    }

    /// What is remarked on the parts of the value at `trail`, and under an empty name on the value itself, if anything.
    pub(crate) fn within(&mut self, trail: &Trail<'_>) -> Option<&mut Fields<String, Value>> {
        let mut names = trail.names().into_iter();
        let mut place = self.meta.as_mut()?.get_mut(&*names.next()?)?;
        for name in names {
            place = place.as_object_mut()?.get_mut(&*name)?;
        }
        place.as_object_mut()
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
