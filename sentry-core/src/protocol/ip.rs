//! The IP address of a user.

use std::cmp::Ordering;
use std::fmt;
use std::net::{AddrParseError, IpAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An IP address, or the wish that the server fills it in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IpAddress {
    /// The address of the connection, written as `{{auto}}`.
    #[default]
    Auto,
    /// This address.
    Exact(IpAddr),
}

const AUTO: &str = "{{auto}}";

impl fmt::Display for IpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Exact(address) => address.fmt(f),
        }
    }
}

impl FromStr for IpAddress {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        if text == AUTO { Ok(Self::Auto) } else { text.parse().map(Self::Exact) }
    }
}

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        Self::Exact(address)
    }
}

impl PartialEq<IpAddr> for IpAddress {
    fn eq(&self, other: &IpAddr) -> bool {
        matches!(self, Self::Exact(address) if address == other)
    }
}

impl PartialOrd<IpAddr> for IpAddress {
    fn partial_cmp(&self, other: &IpAddr) -> Option<Ordering> {
        match self {
            Self::Auto => None,
            Self::Exact(address) => address.partial_cmp(other),
        }
    }
}

impl Serialize for IpAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_text() {
        for (text, address) in [
            ("{{auto}}", IpAddress::Auto),
            ("127.0.0.1", IpAddress::Exact(IpAddr::from([127, 0, 0, 1]))),
            ("::1", IpAddress::Exact("::1".parse().unwrap())),
        ] {
            assert_eq!(serde_json::to_value(address).unwrap(), json!(text));
            assert_eq!(serde_json::from_value::<IpAddress>(json!(text)).unwrap(), address);
        }
        assert!("auto".parse::<IpAddress>().is_err());
    }

    #[test]
    fn auto_equals_no_address() {
        let address = IpAddr::from([127, 0, 0, 1]);
        assert!(IpAddress::Auto != address);
        assert!(IpAddress::from(address) == address);
        assert_eq!(IpAddress::Auto.partial_cmp(&address), None);
    }
}
