//! How severe an event is.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The severity of an event or a breadcrumb, in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For developers.
    Debug,
    /// Worth knowing.
    Info,
    /// Not as it should be.
    Warning,
    /// Something failed.
    #[default]
    Error,
    /// The process or the task could not go on.
    Fatal,
}

impl Level {
    /// Whether it is [`Debug`](Self::Debug).
    #[must_use]
    pub fn is_debug(&self) -> bool {
        *self == Self::Debug
    }

    /// Whether it is [`Info`](Self::Info).
    #[must_use]
    pub fn is_info(&self) -> bool {
        *self == Self::Info
    }

    /// Whether it is [`Warning`](Self::Warning).
    #[must_use]
    pub fn is_warning(&self) -> bool {
        *self == Self::Warning
    }

    /// Whether it is [`Error`](Self::Error).
    #[must_use]
    pub fn is_error(&self) -> bool {
        *self == Self::Error
    }

    /// Whether it is [`Fatal`](Self::Fatal).
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        *self == Self::Fatal
    }

    fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is no level.
#[derive(Debug)]
pub struct ParseLevelError;

impl fmt::Display for ParseLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid level, expected debug, info, warning, error or fatal")
    }
}

impl Error for ParseLevelError {}

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, ParseLevelError> {
        Ok(match text {
            "debug" => Self::Debug,
            "info" | "log" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "error" => Self::Error,
            "fatal" | "critical" => Self::Fatal,
            _ => return Err(ParseLevelError),
        })
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Level; 5] = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];

    #[test]
    fn levels_are_lower_case_text() {
        for level in ALL {
            let text = level.to_string();
            assert_eq!(text, format!("{level:?}").to_lowercase());
            assert_eq!(text.parse::<Level>().unwrap(), level);
            assert_eq!(serde_json::to_value(level).unwrap(), text);
            assert_eq!(serde_json::from_value::<Level>(text.into()).unwrap(), level);
        }
    }

    #[test]
    fn unknown_levels_are_refused() {
        for text in ["", "Error", "trace", " info", ",,,:;:"] {
            assert!(text.parse::<Level>().is_err(), "{text}");
        }
    }

    #[test]
    fn levels_ascend() {
        assert!(ALL.is_sorted());
        assert!(Level::default().is_error());
    }
}
