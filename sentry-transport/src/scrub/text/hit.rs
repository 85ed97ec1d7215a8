//! What was found, and where.

/// The rule that found something, by the name it has in `_meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Rule {
    Bearer,
    Card,
    CloudKey,
    Custom,
    Email,
    HomeDirectory,
    Iban,
    Ip,
    Jwt,
    Key,
    PrivateKey,
    Sql,
    Ssn,
    Unreadable,
    UrlCredentials,
}

impl Rule {
    /// As Relay names it, where it has the rule.
    pub(in crate::scrub) fn id(self) -> &'static str {
        match self {
            Self::Bearer => "@bearer:filter",
            Self::Card => "@creditcard:filter",
            Self::CloudKey => "@cloudkey:filter",
            Self::Custom => "@custom:filter",
            Self::Email => "@email:filter",
            Self::HomeDirectory => "@userpath:filter",
            Self::Iban => "@iban:filter",
            Self::Ip => "@ip:filter",
            Self::Jwt => "@jwt:filter",
            Self::Key => "@password:filter",
            Self::PrivateKey => "@pemkey:filter",
            Self::Sql => "@sql:filter",
            Self::Ssn => "@usssn:filter",
            Self::Unreadable => "@anything:filter",
            Self::UrlCredentials => "@urlauth:filter",
        }
    }
}

/// A range of bytes to take out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Hit {
    pub(in crate::scrub) start: usize,
    pub(in crate::scrub) end: usize,
    pub(in crate::scrub) rule: Rule,
}

impl Hit {
    pub(super) fn new(start: usize, end: usize, rule: Rule) -> Self {
        Self { start, end, rule }
    }
}
