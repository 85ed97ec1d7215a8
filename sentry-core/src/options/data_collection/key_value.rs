//! Which values of a kind of data are shown.

use std::borrow::Cow;

use crate::utils::{SECRET, contains};

/// Which values of a kind of data are shown. Names always are, unless nothing is.
///
/// ```
/// use sentry_core::options::KeyValue;
///
/// let rule = KeyValue::allow(["x-request-id", "x-api-key"]);
/// assert!(rule.shows("X-Request-Id"));
/// assert!(!rule.shows("Accept"), "not listed");
/// assert!(!rule.shows("X-Api-Key"), "secret by its name, whoever lists it");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyValue {
    /// None; nor are the names.
    Off,
    /// All but those whose names contain one of the terms, or one that always means a secret.
    DenyList(Vec<Cow<'static, str>>),
    /// Only those whose names contain one of the terms, and none that always means a secret.
    AllowList(Vec<Cow<'static, str>>),
}

impl KeyValue {
    /// All but those whose names contain one of `terms`, or one that always means a secret.
    pub fn deny<T: Into<Cow<'static, str>>>(terms: impl IntoIterator<Item = T>) -> Self {
        Self::DenyList(terms.into_iter().map(Into::into).collect())
    }

    /// Only those whose names contain one of `terms`, and none that always means a secret.
    pub fn allow<T: Into<Cow<'static, str>>>(terms: impl IntoIterator<Item = T>) -> Self {
        Self::AllowList(terms.into_iter().map(Into::into).collect())
    }

    /// Whether the names are written down at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        *self != Self::Off
    }

    /// Whether the value of `name` is shown. Upper and lower case are the same, and so are `_` and `-`.
    #[must_use]
    pub fn shows(&self, name: &str) -> bool {
        let any = |terms: &[Cow<'static, str>]| terms.iter().any(|term| contains_term(name, term));
        match self {
            Self::Off => false,
            Self::DenyList(terms) => !is_secret(name) && !any(terms),
            Self::AllowList(terms) => any(terms) && !is_secret(name),
        }
    }
}

impl Default for KeyValue {
    fn default() -> Self {
        Self::DenyList(Vec::new())
    }
}

/// Whether a header, cookie, parameter or field of this name holds a secret (protocol section 11.3).
#[must_use]
pub fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|term| contains(name, term))
}

/// As [`contains`], for a term as a user writes it.
fn contains_term(name: &str, term: &str) -> bool {
    let same = |(a, b): (&u8, &u8)| {
        let fold = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        fold(a) == fold(b)
    };
    !term.is_empty()
        && name.as_bytes().windows(term.len()).any(|window| window.iter().zip(term.as_bytes()).all(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_secrets_under_every_rule() {
        for rule in [KeyValue::default(), KeyValue::allow(["token"]), KeyValue::allow([""]), KeyValue::Off] {
            assert!(!rule.shows("Access_Token"), "{rule:?}");
        }
        assert!(KeyValue::default().shows(""));
        assert!(!KeyValue::deny(["X_Real-ip"]).shows("x-real_IP"));
        assert!(!KeyValue::deny(["ä"]).shows("xä"));
    }
}
