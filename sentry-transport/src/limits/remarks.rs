//! What was cut, in the words of Relay.
//!
//! ```json
//! {"_meta": {"message": {"": {"rem": [["!limit", "s", 8189, 8192]], "len": 100000}},
//!            "breadcrumbs": {"values": {"": {"len": 100000}}}}}
//! ```
//!
//! A text that was cut has a remark: `s` means that something stands in its place, and the numbers (bytes of what is there
//! now) say where; `len` is how many characters there were. A list or an object that was cut has only a `len`: how many
//! entries there were. `x` means that the value is gone.

use sentry_core::protocol::value::Map as Fields;
use sentry_core::protocol::{Map, Value};

use crate::scrub::notes::Notes;
use crate::scrub::trail::Trail;

/// The rule that every cut is made by.
const RULE: &str = "!limit";

impl Notes {
    /// The text at `trail`, which had so many characters, ends at the byte `end` now; what stands from `start` on was put
    /// there by us.
    pub(super) fn cut(&mut self, trail: &Trail<'_>, (start, end): (usize, usize), length: usize) {
        let Some(fields) = self.at(trail) else { return };
        let remark = Value::from(vec![RULE.into(), Value::from("s"), start.into(), end.into()]);
        match fields.get_mut("rem") {
            Some(Value::Array(remarks)) => {
                // What others have remarked on the part that is gone is gone with it.
                remarks.retain(|remark| {
                    remark.get(3).and_then(Value::as_u64).is_none_or(|to| to <= start as u64)
                });
                remarks.push(remark);
            }
            _ => {
                fields.insert("rem".to_owned(), vec![remark].into());
            }
        }
        fields.entry("len").or_insert_with(|| length.into());
    }

    /// The list or object at `trail` had `length` entries, of which `left` are left. What is empty is not sent.
    pub(super) fn shortened(&mut self, trail: &Trail<'_>, length: usize, left: usize) {
        if left == 0 {
            self.gone(trail, length);
        } else if let Some(fields) = self.at(trail) {
            fields.entry("len").or_insert_with(|| length.into());
        }
    }

    /// Nothing is left of the value at `trail`, which had so many characters or entries.
    pub(super) fn gone(&mut self, trail: &Trail<'_>, length: usize) {
        if let Some(inner) = self.within(trail) {
            inner.retain(|name, _| name.is_empty());
        }
        let Some(fields) = self.at(trail) else { return };
        fields.insert("rem".to_owned(), vec![Value::from(vec![RULE, "x"])].into());
        fields.entry("len").or_insert_with(|| length.into());
    }

    /// Of the list at `trail`, element `n` is element `moved(n)` now, or gone.
    pub(super) fn moved(&mut self, trail: &Trail<'_>, moved: impl Fn(usize) -> Option<usize>) {
        let Some(inner) = self.within(trail) else { return };
        let place = |(name, value): (String, Value)| match name.parse::<usize>() {
            Ok(index) => Some((moved(index)?.to_string(), value)),
            Err(_) => Some((name, value)),
        };
        *inner = std::mem::take(inner).into_iter().filter_map(place).collect();
    }

    /// Of the object at `trail`, the entry `name` is gone.
    pub(super) fn forget(&mut self, trail: &Trail<'_>, name: &str) {
        if let Some(inner) = self.within(trail) {
            inner.remove(name);
        }
    }
}

/// Remarks that say nothing: places without any.
pub(super) fn without_blanks(meta: Map<String, Value>) -> Option<Map<String, Value>> {
    let meta: Map<_, _> = meta.into_iter().filter(|(_, value)| !is_blank(value)).collect();
    (!meta.is_empty()).then_some(meta)
}

fn is_blank(value: &Value) -> bool {
    value.as_object().is_some_and(Fields::is_empty)
}
