//! Organizations of Sentry.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number of an organization. Text on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrganizationId(u64);

impl From<u64> for OrganizationId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl FromStr for OrganizationId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for OrganizationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OrganizationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText)
    }
}

struct NumberOrText;

impl Visitor<'_> for NumberOrText {
    type Value = OrganizationId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of an organization")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<OrganizationId, E> {
        Ok(OrganizationId(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OrganizationId, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_organization_is_text_and_read_from_a_number_too() {
        assert_eq!(serde_json::to_value(OrganizationId(12)).unwrap(), json!("12"));
        for json in [json!("12"), json!(12)] {
            assert_eq!(serde_json::from_value::<OrganizationId>(json).unwrap(), OrganizationId(12));
        }
        assert!("o12".parse::<OrganizationId>().is_err());
    }
}
