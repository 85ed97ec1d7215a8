//! The built-in rules and those of the application, together.

use std::borrow::Cow;

use sentry_core::options::{ScrubOptions, is_secret};

use super::words;

/// What a name says about the value beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scrub) enum Secrecy {
    /// Nothing.
    Clear,
    /// It belongs to a session or an identity.
    Weak,
    /// It is a secret.
    Strong,
    /// It is a secret that people make up.
    Password,
}

/// Which names mean a secret.
#[derive(Clone, Debug, Default)]
pub(in crate::scrub) struct Names {
    without_builtin: bool,
    /// In lower case, with dashes.
    deny: Vec<Box<[u8]>>,
    allow: Option<Vec<Box<[u8]>>>,
}

impl Names {
    pub(in crate::scrub) fn new(options: &ScrubOptions) -> Self {
        let folded = |terms: &Vec<Cow<'static, str>>| {
            let terms = terms.iter().filter(|term| !term.is_empty());
            terms.map(|term| term.bytes().map(fold).collect()).collect()
        };
        Self {
            without_builtin: options.only_deny,
            deny: folded(&options.deny),
            allow: options.allow.as_ref().map(folded),
        }
    }

    /// Of a name that the application chose.
    pub(in crate::scrub) fn secrecy(&self, name: &[u8]) -> Secrecy {
        if self.is_denied(name) {
            return Secrecy::Strong;
        }
        if self.without_builtin { Secrecy::Clear } else { words::secrecy(name) }
    }

    /// Whether a name from the wire means a secret.
    pub(in crate::scrub) fn is_wire_secret(&self, name: &[u8]) -> bool {
        let is_builtin = || {
            std::str::from_utf8(name).is_ok_and(|name| {
                is_secret(name) || name.contains('%') && is_secret(&super::super::pairs::decoded(name))
            })
        };
        self.is_denied(name) || (!self.without_builtin && is_builtin())
    }

    /// Whether the value beside `name` may stay although it is not denied.
    pub(in crate::scrub) fn allows(&self, name: &str) -> bool {
        self.allow.as_ref().is_none_or(|allow| contains(allow, name.as_bytes()))
    }

    fn is_denied(&self, name: &[u8]) -> bool {
        !self.deny.is_empty() && contains(&self.deny, name)
    }
}

fn contains(terms: &[Box<[u8]>], name: &[u8]) -> bool {
    let is_in =
        |term: &[u8]| name.windows(term.len()).any(|part| part.iter().zip(term).all(|(a, b)| fold(*a) == *b));
    terms.iter().any(|term| is_in(term))
}

fn fold(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
}
