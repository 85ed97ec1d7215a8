//! JSON of the application: a budget of bytes, and a number of levels.

use sentry_core::protocol::value::Map as Fields;
use sentry_core::protocol::{Map, Value};
use sentry_core::utils::take_apart;

use super::caps::Bag;
use super::json::text_of;
use super::visit::Visit;
use crate::scrub::trail::Trail;

/// With fewer bytes left than this, nothing more is begun: it would be but dots.
const LEAST: usize = 16;

/// What names and commas take beside a value.
const FIELD: usize = 4;

impl Visit<'_> {
    /// The values under `name`, within a budget for all and one for each.
    pub(super) fn map(&mut self, at: &Trail<'_>, name: &str, map: &mut Map<String, Value>, bag: Bag) {
        if !map.is_empty() {
            let mut left = bag.bytes;
            self.fields(&at.name(name), map, &mut left, (bag.bytes, bag.depth));
        }
    }

    /// The values right in `at`.
    pub(super) fn fields(
        &mut self,
        at: &Trail<'_>,
        map: &mut Map<String, Value>,
        left: &mut usize,
        (each, depth): (usize, u32),
    ) {
        let length = map.len();
        let mut end = None;
        for (name, value) in map.iter_mut() {
            if !self.spend_name(name, left) {
                end = Some(name.clone());
                break;
            }
            let mut own = (*left).min(each);
            let before = own;
            self.value(&at.name(name), value, &mut own, depth);
            *left -= before - own;
        }
        if let Some(end) = end {
            map.split_off(&end).into_iter().for_each(|(name, value)| {
                self.notes.forget(at, &name);
                take_apart(value);
            });
            self.count_cut();
            self.notes.shortened(at, length, map.len());
        }
    }

    /// The texts under `name`, within a budget for all.
    pub(super) fn texts(&mut self, at: &Trail<'_>, name: &str, map: &mut Map<String, String>, bytes: usize) {
        if map.is_empty() {
            return;
        }
        let at = at.name(name);
        let (length, mut left) = (map.len(), bytes);
        let mut end = None;
        for (name, text) in map.iter_mut() {
            if !self.spend_name(name, &mut left) {
                end = Some(name.clone());
                break;
            }
            self.text_within(&at.name(name), text, &mut left);
        }
        if let Some(end) = end {
            map.split_off(&end).keys().for_each(|name| self.notes.forget(&at, name));
            self.count_cut();
            self.notes.shortened(&at, length, map.len());
        }
    }

    /// The values of the list at `at`.
    pub(super) fn list(&mut self, at: &Trail<'_>, values: &mut Vec<Value>, left: &mut usize, depth: u32) {
        let length = values.len();
        let mut kept = length;
        for (index, value) in values.iter_mut().enumerate() {
            if *left < LEAST {
                kept = index;
                break;
            }
            self.value(&at.index(index), value, left, depth);
            *left = left.saturating_sub(1);
        }
        if kept < length {
            values.drain(kept..).for_each(take_apart);
            values.shrink_to_fit();
            self.notes.moved(at, |index| (index < kept).then_some(index));
            self.count_cut();
            // Even an empty one is there.
            self.notes.shortened(at, length, kept.max(1));
        }
    }

    /// One value; at the last level, what has parts becomes a text.
    pub(super) fn value(&mut self, at: &Trail<'_>, value: &mut Value, left: &mut usize, depth: u32) {
        match value {
            Value::Null | Value::Bool(_) => self.spend(5, left),
            Value::Number(_) => self.spend(8, left),
            Value::String(text) => self.text_within(at, text, left),
            Value::Array(values) if values.is_empty() => self.spend(2, left),
            Value::Object(fields) if fields.is_empty() => self.spend(2, left),
            Value::Array(_) | Value::Object(_) if depth == 0 => self.flatten(at, value, left),
            Value::Array(values) => {
                self.spend(2, left);
                self.list(at, values, left, depth - 1);
            }
            Value::Object(fields) => {
                self.spend(2, left);
                self.object(at, fields, left, depth - 1);
            }
        }
    }

    fn object(&mut self, at: &Trail<'_>, fields: &mut Fields<String, Value>, left: &mut usize, depth: u32) {
        let length = fields.len();
        let mut kept = length;
        for (index, (name, value)) in fields.iter_mut().enumerate() {
            if !self.spend_name(name, left) {
                kept = index;
                break;
            }
            self.value(&at.name(name), value, left, depth);
        }
        if kept < length {
            let mut entries = std::mem::take(fields).into_iter();
            *fields = entries.by_ref().take(kept).collect();
            for (name, value) in entries {
                self.notes.forget(at, &name);
                take_apart(value);
            }
            self.count_cut();
            // Even an empty one is there.
            self.notes.shortened(at, length, kept.max(1));
        }
    }

    /// A text that may take what is left.
    fn text_within(&mut self, at: &Trail<'_>, text: &mut String, left: &mut usize) {
        self.count_text(text);
        let room = left.saturating_sub(3);
        if text.len() > room {
            self.cut_to_bytes(at, text, room);
        }
        if text.len() > self.caps.value {
            self.cut_to_chars(at, text, self.caps.value, 0);
        }
        *left = left.saturating_sub(text.len() + 3);
    }

    /// Makes a text of what is nested too deeply.
    fn flatten(&mut self, at: &Trail<'_>, value: &mut Value, left: &mut usize) {
        let room = left.saturating_sub(3).min(self.caps.value);
        let (mut text, total) = text_of(value, room);
        if let Some(inner) = self.notes.within(at) {
            inner.retain(|name, _| name.is_empty());
        }
        self.count_text(&text);
        if text.len() < total {
            self.cut_with(at, &mut text, room, total);
        }
        *left = left.saturating_sub(text.len() + 3);
        take_apart(std::mem::replace(value, Value::String(text)));
    }

    /// Whether there is room for one more entry of this name.
    fn spend_name(&mut self, name: &str, left: &mut usize) -> bool {
        let cost = name.len() + FIELD;
        if cost + LEAST > *left {
            *left = 0;
            return false;
        }
        self.spend(cost, left);
        true
    }

    fn spend(&mut self, bytes: usize, left: &mut usize) {
        self.count(bytes);
        *left = left.saturating_sub(bytes);
    }
}
