//! Texts, values and maps of them.

use std::borrow::Cow;

use sentry_core::protocol::{Map, Value};

use super::Visit;
use crate::scrub::clean::{Cleaned, FILTERED, What};
use crate::scrub::rules::Rules;
use crate::scrub::text::{Rule, is_card};
use crate::scrub::trail::Trail;

/// Deeper than this a value goes as a whole. Captures have cut it off before.
const DEEPEST: u32 = 120;

/// Names shorter than this hold no secret themselves.
const SHORTEST_NAME: usize = 11;

impl Visit<'_> {
    /// The text at the place `name` of `at`.
    pub(super) fn text(&mut self, at: &Trail<'_>, name: &str, text: &mut String, what: What) {
        self.text_at(&at.name(name), name, text, what);
    }

    pub(super) fn option(&mut self, at: &Trail<'_>, name: &str, text: &mut Option<String>, what: What) {
        if let Some(text) = text {
            self.text(at, name, text, what);
        }
    }

    pub(super) fn lines(&mut self, at: &Trail<'_>, name: &str, lines: &mut [String]) {
        let at = at.name(name);
        for (index, line) in lines.iter_mut().enumerate() {
            self.text_at(&at.index(index), name, line, What::Text);
        }
    }

    pub(super) fn cow(&mut self, at: &Trail<'_>, name: &str, text: &mut Cow<'_, str>) {
        if let Some(cleaned) = self.rules.clean(name, text, What::Text, self.source) {
            self.notes.add(at, &cleaned);
            *text = Cow::Owned(cleaned.text);
        }
    }

    pub(super) fn text_at(&mut self, at: &Trail<'_>, name: &str, text: &mut String, what: What) {
        if let Some(cleaned) = self.rules.clean(name, text, what, self.source) {
            self.notes.add(at, &cleaned);
            *text = cleaned.text;
        }
    }

    /// The values of `name` in `at`, read by their names.
    pub(super) fn map(&mut self, at: &Trail<'_>, name: &str, map: &mut Map<String, Value>) {
        if !map.is_empty() {
            self.fields(&at.name(name), map);
        }
    }

    /// The values right in `at`, read by their names.
    pub(super) fn fields(&mut self, at: &Trail<'_>, map: &mut Map<String, Value>) {
        // First: the remarks name the places.
        self.names(map);
        for (name, value) in map.iter_mut() {
            let what = self.rules.named(name);
            self.value(&at.name(name), name, value, what);
        }
    }

    /// The texts of `name` in `at`, read as `how` says of each name.
    pub(super) fn texts(
        &mut self,
        at: &Trail<'_>,
        name: &str,
        map: &mut Map<String, String>,
        how: impl Fn(&Rules, &str) -> What,
    ) {
        if map.is_empty() {
            return;
        }
        let at = at.name(name);
        self.names(map);
        for (name, text) in map.iter_mut() {
            let what = how(self.rules, name);
            self.text(&at, name, text, what);
        }
    }

    pub(super) fn value(&mut self, at: &Trail<'_>, name: &str, value: &mut Value, what: What) {
        self.value_in(at, name, value, what, 0);
    }

    fn value_in(&mut self, at: &Trail<'_>, name: &str, value: &mut Value, what: What, depth: u32) {
        match value {
            _ if what == What::Skip => {}
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => self.text_at(at, name, text, what),
            Value::Number(number) => {
                let rule = match what {
                    What::Secret => Some(Rule::Key),
                    _ => number.as_u64().filter(|number| is_card(*number)).map(|_| Rule::Card),
                };
                if let Some(rule) = rule {
                    let length = number.to_string().len();
                    self.notes.add(at, &Cleaned::whole(rule, length));
                    *value = Value::from(FILTERED);
                }
            }
            Value::Array(_) | Value::Object(_) if depth == DEEPEST => *value = Value::from(FILTERED),
            Value::Array(values) => {
                for (index, value) in values.iter_mut().enumerate() {
                    self.value_in(&at.index(index), name, value, what, depth + 1);
                }
            }
            Value::Object(fields) => {
                let secrets: Vec<_> = fields.keys().filter_map(|name| self.new_name(name)).collect();
                for (old, new) in secrets {
                    if let Some(value) = fields.remove(&old) {
                        let new = free(new, |name| fields.contains_key(name));
                        fields.insert(new, value);
                    }
                }
                for (name, value) in fields.iter_mut() {
                    let what = self.rules.within(what, name);
                    self.value_in(&at.name(name), name, value, what, depth + 1);
                }
            }
        }
    }

    /// Takes secrets out of the names themselves.
    fn names<V>(&self, map: &mut Map<String, V>) {
        let secrets: Vec<_> = map.keys().filter_map(|name| self.new_name(name)).collect();
        for (old, new) in secrets {
            if let Some(value) = map.remove(&old) {
                let new = free(new, |name| map.contains_key(name));
                map.insert(new, value);
            }
        }
    }

    fn new_name(&self, name: &str) -> Option<(String, String)> {
        if name.len() < SHORTEST_NAME {
            return None;
        }
        let cleaned = self.rules.clean_name(name, self.source)?;
        Some((name.to_owned(), cleaned))
    }
}

/// `name`, or the first of `name 2`, `name 3`, … that is not taken.
pub(in crate::scrub) fn free(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(&name) {
        return name;
    }
    let numbered = (2..u64::MAX).map(|number| format!("{name} {number}")).find(|name| !is_taken(name));
    numbered.unwrap_or(name)
}
