//! The attributes of logs and metrics: their own, those of the scopes, those of the client (protocol.md 6).
//!
//! Those of the client are the same for all, so they are encoded once and copied from then on.

use std::collections::BTreeMap;

use crate::json;
use crate::protocol::{LogAttribute, User};
use crate::scope::{ScopeSnapshot, View};

/// What stands before attributes on the wire.
const KEY: &[u8] = b",\"attributes\":";

/// What every log or metric of a client says.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    entries: Vec<(&'static str, LogAttribute)>,
    /// The same as members of a JSON object, each behind a comma.
    json: Vec<u8>,
    keys: Marks,
}

impl Defaults {
    pub(crate) fn new(entries: impl IntoIterator<Item = (&'static str, LogAttribute)>) -> Self {
        let mut defaults = Self::default();
        for (key, value) in entries {
            if !value.0.is_null() && !defaults.knows(key) {
                write_member(&mut defaults.json, key, (&value).into());
                defaults.keys = defaults.keys.with(key);
                defaults.entries.push((key, value));
            }
        }
        defaults
    }

    fn knows(&self, key: &str) -> bool {
        self.keys.overlap(Marks::default().with(key)) && self.entries.iter().any(|(known, _)| *known == key)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, Attribute<'_>)> {
        self.entries.iter().map(|(key, value)| (*key, value.into()))
    }
}

/// A bit for each of some keys: nearly no two sets of keys have to be compared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks(u64);

impl Marks {
    #[inline]
    const fn with(self, key: &str) -> Self {
        let (first, last) = match key.as_bytes() {
            [] => (0, 0),
            [only] => (*only, *only),
            [first, .., last] => (*first, *last),
        };
        // The compiler knows all of it for the keys that macros write down.
        let mark = key.len() + 7 * first as usize + 3 * last as usize;
        Self(self.0 | 1 << (mark % 64))
    }

    #[cfg(feature = "logs")]
    #[inline]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any key may be in both.
    #[inline]
    fn overlap(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The keys of attributes.
#[cfg(feature = "logs")]
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    names: &'a [&'a str],
    /// Which of them count: a bit for each, beginning with the lowest. What is behind the last bit counts.
    present: u64,
    pub(crate) marks: Marks,
}

#[cfg(feature = "logs")]
impl<'a> Keys<'a> {
    /// None.
    pub(crate) const NONE: Keys<'static> = Keys::new(&[]);

    /// These keys.
    #[must_use]
    pub const fn new(names: &'a [&'a str]) -> Self {
        let (mut marks, mut rest) = (Marks(0), names);
        while let [first, others @ ..] = rest {
            // What is left empty is no key.
            marks = if first.is_empty() { marks } else { marks.with(first) };
            rest = others;
        }
        Self { names, present: u64::MAX, marks }
    }

    #[inline]
    pub(crate) fn names(self) -> impl Iterator<Item = &'a str> + Clone {
        let is_present = move |at: usize| at >= 64 || self.present >> at & 1 != 0;
        self.names.iter().enumerate().filter(move |(at, _)| is_present(*at)).map(|(_, name)| *name)
    }
}

/// Keys of which not all are always there.
#[cfg(feature = "logs")]
#[derive(Clone, Debug)]
pub struct KeySet {
    names: Box<[&'static str]>,
    marks: Marks,
}

#[cfg(feature = "logs")]
impl KeySet {
    /// These keys.
    #[must_use]
    pub fn new(names: Vec<&'static str>) -> Self {
        Self { marks: Keys::new(&names).marks, names: names.into() }
    }

    /// Those of them that are there: a bit for each, beginning with the lowest.
    #[inline]
    #[must_use]
    pub fn present(&self, present: u64) -> Keys<'_> {
        Keys { names: &self.names, present, marks: self.marks }
    }
}

/// What the scopes add: their attributes, and who the user is.
#[derive(Debug, Default)]
pub(crate) struct FromScope<'a> {
    attributes: Option<BTreeMap<&'a str, &'a LogAttribute>>,
    user: Option<&'a User>,
}

impl<'a> FromScope<'a> {
    /// Nothing.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    pub(crate) const NOTHING: &'a Self = &Self { attributes: None, user: None };

    pub(crate) fn new(scope: &'a ScopeSnapshot) -> Self {
        Self::of(&scope.view()).unwrap_or_default()
    }

    /// `None`: nothing, as mostly.
    #[inline]
    pub(crate) fn of(scope: &View<'a>) -> Option<Self> {
        scope.has_attributes().then(|| Self::found(scope))
    }

    #[inline(never)]
    fn found(scope: &View<'a>) -> Self {
        Self { attributes: scope.attributes(), user: scope.user() }
    }

    #[inline]
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
#[inline]
pub(crate) fn write<'a, A: Into<Attribute<'a>>>(
    out: &mut Vec<u8>,
    own: impl Iterator<Item = (&'a str, A)> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) {
    let start = out.len();
    let mut marks = Marks::default();
    for (key, value) in own.clone() {
        let value = value.into();
        if !value.is_null() {
            write_member(out, key, value);
        }
        marks = marks.with(key);
    }
    write_rest(out, start, (own.map(|(key, _)| key), marks), scope, defaults);
}

/// Writes what the scopes and the client add to the members from `start` on, and makes them an object. `own`: their keys.
#[inline]
pub(crate) fn write_rest<'a>(
    out: &mut Vec<u8>,
    start: usize,
    (own, marks): (impl Iterator<Item = &'a str> + Clone, Marks),
    scope: &FromScope<'_>,
    defaults: &Defaults,
) {
    if scope.is_empty() && !marks.overlap(defaults.keys) {
        out.extend_from_slice(&defaults.json);
    } else {
        write_layers(out, own, scope, defaults);
    }
    // Each member has put a comma before itself.
    match out.get_mut(start) {
        Some(comma) => {
            *comma = b'{';
            out.push(b'}');
        }
        None => write_nothing(out),
    }
}

/// What has no attributes does not say so: not even their key may be there.
#[cold]
fn write_nothing(out: &mut Vec<u8>) {
    match out.strip_suffix(KEY).map(<[u8]>::len) {
        Some(before) => out.truncate(before),
        None => out.extend_from_slice(b"{}"),
    }
}

#[inline(never)]
fn write_layers<'a>(
    out: &mut Vec<u8>,
    own: impl Iterator<Item = &'a str> + Clone,
    scope: &FromScope<'_>,
    defaults: &Defaults,
) {
    let mut clashes = own.clone().any(|key| defaults.knows(key));
    for (key, value) in scope.entries().filter(|(_, value)| !value.is_null()) {
        if !own.clone().any(|other| other == key) {
            clashes |= defaults.knows(key);
            write_member(out, key, value);
        }
    }
    if !clashes {
        return out.extend_from_slice(&defaults.json);
    }
    for (key, value) in defaults.entries() {
        if !scope.knows(key) && own.clone().all(|other| other != key) {
            write_member(out, key, value);
        }
    }
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
    fn keys_that_only_look_alike_do_not_hide_each_other() {
        let (own, default) = ("abc", "aXc");
        assert!(Marks::default().with(own).overlap(Marks::default().with(default)));
        let defaults = Defaults::new([(default, "client".into())]);
        let shown = written(&[(own, "own".into())], &FromScope::default(), &defaults);
        assert_eq!((&shown[own]["value"], &shown[default]["value"]), (&json!("own"), &json!("client")));
    }

    #[test]
    fn nothing_is_an_empty_object_and_no_member_at_all() {
        assert_eq!(written(&[], &FromScope::default(), &Defaults::default()), json!({}));
        let mut out = b"{\"x\":1,\"attributes\":".to_vec();
        let none = std::iter::empty::<(&str, &LogAttribute)>();
        write(&mut out, none, &FromScope::default(), &Defaults::default());
        assert_eq!(out, b"{\"x\":1");
        assert_eq!(
            written(&[("a", LogAttribute(Value::Null))], &FromScope::default(), &Defaults::default()),
            json!({})
        );
    }
}
