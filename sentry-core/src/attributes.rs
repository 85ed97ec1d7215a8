//! The attributes of logs and metrics: their own, those of the scopes, those of the client (protocol.md 6).
//!
//! Those of the client are the same for all, so they are encoded once and copied from then on.

use std::collections::BTreeMap;

use crate::json;
use crate::protocol::{LogAttribute, User};
use crate::scope::ScopeSnapshot;

/// What every log or metric of a client says.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    entries: Vec<(&'static str, LogAttribute)>,
    /// The same as members of a JSON object, each behind a comma.
    json: Vec<u8>,
}

impl Defaults {
    pub(crate) fn new(entries: impl IntoIterator<Item = (&'static str, LogAttribute)>) -> Self {
        let mut defaults = Self::default();
        for (key, value) in entries {
            if !value.0.is_null() && !defaults.knows(key) {
                write_member(&mut defaults.json, key, (&value).into());
                defaults.entries.push((key, value));
            }
        }
        defaults
    }

    fn knows(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, _)| *known == key)
    }

    /// How many bytes they add.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    pub(crate) fn size(&self) -> usize {
        self.json.len()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &LogAttribute)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }
}

/// What the scopes add: their attributes, and who the user is.
#[derive(Debug, Default)]
pub(crate) struct FromScope<'a> {
    attributes: BTreeMap<&'a str, &'a LogAttribute>,
    user: Vec<(&'static str, LogAttribute)>,
}

impl<'a> FromScope<'a> {
    pub(crate) fn new(scope: &'a ScopeSnapshot) -> Self {
        Self { attributes: scope.attributes(), user: scope.user().map(user).unwrap_or_default() }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &LogAttribute)> + Clone {
        let user = self.user.iter().map(|(key, value)| (*key, value));
        let user = user.filter(|(key, _)| !self.attributes.contains_key(key));
        self.attributes.iter().map(|(key, value)| (*key, *value)).chain(user)
    }
}

fn user(user: &User) -> Vec<(&'static str, LogAttribute)> {
    [("user.id", &user.id), ("user.name", &user.username), ("user.email", &user.email)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, LogAttribute::from(value.as_ref()?.as_str()))))
        .collect()
}

/// An attribute where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attribute<'a> {
    Value(&'a LogAttribute),
    #[cfg_attr(not(feature = "logs"), expect(dead_code, reason = "templates of logs"))]
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
}

/// Writes all of them as a JSON object. What comes first wins: `own`, then the scopes, then the client.
pub(crate) fn write<'a, A: Into<Attribute<'a>>>(
    out: &mut Vec<u8>,
    own: impl Iterator<Item = (&'a str, A)> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) {
    let start = out.len();
    let is_own = |key: &str| own.clone().any(|(other, _)| other == key);
    let mut clashes = false;
    for (key, value) in own.clone() {
        let value = value.into();
        if !value.is_null() {
            clashes |= defaults.knows(key);
            write_member(out, key, value);
        }
    }
    for (key, value) in scope.entries().filter(|(key, value)| !value.0.is_null() && !is_own(key)) {
        clashes |= defaults.knows(key);
        write_member(out, key, value.into());
    }
    if clashes {
        let is_scopes = |key: &str| scope.entries().any(|(other, _)| other == key);
        for (key, value) in defaults.entries().filter(|(key, _)| !is_own(key) && !is_scopes(key)) {
            write_member(out, key, value.into());
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
        let scope = FromScope { attributes: BTreeMap::from([("a", &a), ("b", &b)]), user: Vec::new() };
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
