//! Units of measurement.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! units {
    ($($variant:ident = $name:literal: $doc:literal,)*) => {
        /// A unit of measurement.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Unit {
            $(#[doc = $doc] $variant,)*
            /// A unit of your own.
            Other(Cow<'static, str>),
        }

        impl Unit {
            /// The name on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            fn known(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const KNOWN: &[(Unit, &str)] = &[$((Unit::$variant, $name),)*];
    };
}

units! {
    Nanosecond = "nanosecond": "10⁻⁹ seconds.",
    Microsecond = "microsecond": "10⁻⁶ seconds.",
    Millisecond = "millisecond": "10⁻³ seconds.",
    Second = "second": "A second.",
    Minute = "minute": "60 seconds.",
    Hour = "hour": "3,600 seconds.",
    Day = "day": "86,400 seconds.",
    Week = "week": "604,800 seconds.",
    Bit = "bit": "A bit.",
    Byte = "byte": "8 bits.",
    Kilobyte = "kilobyte": "10³ bytes.",
    Kibibyte = "kibibyte": "2¹⁰ bytes.",
    Megabyte = "megabyte": "10⁶ bytes.",
    Mebibyte = "mebibyte": "2²⁰ bytes.",
    Gigabyte = "gigabyte": "10⁹ bytes.",
    Gibibyte = "gibibyte": "2³⁰ bytes.",
    Terabyte = "terabyte": "10¹² bytes.",
    Tebibyte = "tebibyte": "2⁴⁰ bytes.",
    Petabyte = "petabyte": "10¹⁵ bytes.",
    Pebibyte = "pebibyte": "2⁵⁰ bytes.",
    Exabyte = "exabyte": "10¹⁸ bytes.",
    Exbibyte = "exbibyte": "2⁶⁰ bytes.",
    Ratio = "ratio": "A fraction of one.",
    Percent = "percent": "A fraction of a hundred.",
}

impl From<Cow<'static, str>> for Unit {
    fn from(name: Cow<'static, str>) -> Self {
        Self::known(&name).unwrap_or(Self::Other(name))
    }
}

impl From<&'static str> for Unit {
    fn from(name: &'static str) -> Self {
        Cow::Borrowed(name).into()
    }
}

impl From<String> for Unit {
    fn from(name: String) -> Self {
        Cow::<'static, str>::Owned(name).into()
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_units_are_lower_case_names() {
        assert_eq!(KNOWN.len(), 24);
        for (unit, name) in KNOWN {
            assert_eq!(*name, format!("{unit:?}").to_lowercase());
            assert_eq!(serde_json::to_value(unit).unwrap(), *name);
            assert_eq!(serde_json::from_value::<Unit>((*name).into()).unwrap(), *unit);
            assert_eq!(Unit::from(*name), *unit);
        }
    }

    #[test]
    fn other_units_keep_their_name() {
        assert_eq!(Unit::from("Furlong"), Unit::Other("Furlong".into()));
        assert_eq!(serde_json::to_value(Unit::from("Furlong".to_owned())).unwrap(), "Furlong");
    }
}
