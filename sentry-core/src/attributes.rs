//! The attributes of logs and metrics: their own, those of the scopes, those of the client (protocol.md 6).
//!
//! Those of the client are the same for all, so they are encoded once and copied from then on.

use std::collections::BTreeMap;

use crate::json;
use crate::protocol::{LogAttribute, User};
use crate::scope::{ScopeSnapshot, View};

/// What every log or metric of a client says.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    entries: Vec<(&'static str, LogAttribute)>,
    /// The same as members of a JSON object, each behind a comma.
    json: Vec<u8>,
    /// The lengths of their keys, a bit for each: nearly no key of anybody else has to be compared.
    lengths: u64,
}

impl Defaults {
    pub(crate) fn new(entries: impl IntoIterator<Item = (&'static str, LogAttribute)>) -> Self {
        let mut defaults = Self::default();
        for (key, value) in entries {
            if !value.0.is_null() && !defaults.knows(key) {
                write_member(&mut defaults.json, key, (&value).into());
                defaults.lengths |= bit(key);
                defaults.entries.push((key, value));
            }
        }
        defaults
    }

    fn knows(&self, key: &str) -> bool {
        self.lengths & bit(key) != 0 && self.entries.iter().any(|(known, _)| *known == key)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, Attribute<'_>)> {
        self.entries.iter().map(|(key, value)| (*key, value.into()))
    }
}

fn bit(key: &str) -> u64 {
    1 << (key.len() % 64)
}

/// What the scopes add: their attributes, and who the user is.
#[derive(Debug, Default)]
pub(crate) struct FromScope<'a> {
    attributes: Option<BTreeMap<&'a str, &'a LogAttribute>>,
    user: Option<&'a User>,
}

impl<'a> FromScope<'a> {
    pub(crate) fn new(scope: &'a ScopeSnapshot) -> Self {
        Self::of(&scope.view())
    }

    #[inline]
    pub(crate) fn of(scope: &View<'a>) -> Self {
        Self { attributes: scope.attributes(), user: scope.user() }
    }

    fn is_empty(&self) -> bool {
        self.attributes.is_none() && self.user.is_none()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, Attribute<'a>)> {
        let user = self.user.into_iter().flat_map(user);
        let hides = |key: &str| self.attributes.as_ref().is_some_and(|known| known.contains_key(key));
        let attributes = self.attributes.iter().flatten().map(|(key, value)| (*key, (*value).into()));
        attributes.chain(user.filter(move |(key, _)| !hides(key)))
    }

    fn knows(&self, key: &str) -> bool {
        self.entries().any(|(known, _)| known == key)
    }
}

fn user(user: &User) -> impl Iterator<Item = (&str, Attribute<'_>)> {
    [("user.id", &user.id), ("user.name", &user.username), ("user.email", &user.email)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, Attribute::Text(value.as_deref()?))))
}

/// An attribute where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attribute<'a> {
    Value(&'a LogAttribute),
    Text(&'a str),
}

impl<'a> From<&'a LogAttribute> for Attribute<'a> {
    fn from(value: &'a LogAttribute) -> Self {
        Self::Value(value)
    }
}

impl Attribute<'_> {
    fn is_null(self) -> bool {
        matches!(self, Self::Value(LogAttribute(serde_json::Value::Null)))
    }

    #[cfg(any(feature = "logs", feature = "metrics"))]
    pub(crate) fn into_owned(self) -> LogAttribute {
        match self {
            Self::Value(value) => value.clone(),
            Self::Text(text) => text.into(),
        }
    }
}

/// Writes all of them as a JSON object. What comes first wins: `own`, then the scopes, then the client.
pub(crate) fn write<'a, A: Into<Attribute<'a>>>(
    out: &mut Vec<u8>,
    own: impl Iterator<Item = (&'a str, A)> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) {
    let start = out.len();
    for (key, value) in own.clone() {
        let value = value.into();
        if !value.is_null() {
            write_member(out, key, value);
        }
    }
    write_rest(out, start, own.map(|(key, _)| key), scope, defaults);
}

/// Writes what the scopes and the client add to the members from `start` on, and makes them an object. `own`: their keys.
pub(crate) fn write_rest<'a>(
    out: &mut Vec<u8>,
    start: usize,
    own: impl Iterator<Item = &'a str> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) {
    let mut clashes = own.clone().any(|key| defaults.knows(key));
    if !scope.is_empty() {
        for (key, value) in scope.entries().filter(|(_, value)| !value.is_null()) {
            if !own.clone().any(|other| other == key) {
                clashes |= defaults.knows(key);
                write_member(out, key, value);
            }
        }
    }
    if clashes {
        for (key, value) in defaults.entries() {
            if !scope.knows(key) && own.clone().all(|other| other != key) {
                write_member(out, key, value);
            }
        }
    } else {
        out.extend_from_slice(&defaults.json);
    }
    // Each member has put a comma before itself.
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

fn write_member(out: &mut Vec<u8>, key: &str, value: Attribute<'_>) {
    out.push(b',');
    json::text(out, key);
    out.push(b':');
    write_value(out, value);
}

pub(crate) fn write_value(out: &mut Vec<u8>, value: Attribute<'_>) {
    match value {
        Attribute::Value(value) => value.write(out),
        Attribute::Text(text) => LogAttribute::write_text(out, text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(own: &[(&str, LogAttribute)], scope: &FromScope<'_>, defaults: &Defaults) -> Value {
        let mut out = b"{\"x\":1},".to_vec();
        let start = out.len();
        write(&mut out, own.iter().map(|(key, value)| (*key, value)), scope, defaults);
        serde_json::from_slice(&out[start..]).unwrap()
    }

    #[test]
    fn what_is_closest_to_the_record_wins() {
        let defaults =
            Defaults::new([("a", "client".into()), ("b", "client".into()), ("c", "client".into())]);
        let (a, b) = ("scope".into(), "scope".into());
        let scope = FromScope { attributes: Some(BTreeMap::from([("a", &a), ("b", &b)])), user: None };
        let expected = |a: &str, b: &str, c: &str| {
            json!({
                "a": {"value": a, "type": "string"}, "b": {"value": b, "type": "string"},
                "c": {"value": c, "type": "string"}
            })
        };
        assert_eq!(written(&[("a", "own".into())], &scope, &defaults), expected("own", "scope", "client"));
        assert_eq!(written(&[], &FromScope::default(), &defaults), expected("client", "client", "client"));
    }

    #[test]
    fn nothing_is_an_empty_object() {
        assert_eq!(written(&[], &FromScope::default(), &Defaults::default()), json!({}));
        assert_eq!(
            written(&[("a", LogAttribute(Value::Null))], &FromScope::default(), &Defaults::default()),
            json!({})
        );
    }
}
