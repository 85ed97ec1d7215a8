//! How a span ended.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The text is no span status.
#[derive(Debug)]
pub struct ParseStatusError;

impl fmt::Display for ParseStatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid span status")
    }
}

impl Error for ParseStatusError {}

macro_rules! statuses {
    ($($variant:ident = $name:literal $(| $alias:literal)*: $doc:literal,)*) => {
        /// How a span ended, in the words of gRPC.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SpanStatus {
            $(#[doc = $doc] $variant,)*
        }

        impl SpanStatus {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl FromStr for SpanStatus {
            type Err = ParseStatusError;

            fn from_str(text: &str) -> Result<Self, ParseStatusError> {
                match text {
                    $($name $(| $alias)* => Ok(Self::$variant),)*
                    _ => Err(ParseStatusError),
                }
            }
        }

        #[cfg(test)]
        const NAMES: &[(SpanStatus, &str)] = &[$((SpanStatus::$variant, $name),)*];
    };
}

statuses! {
    Ok = "ok": "It ended as it should.",
    DeadlineExceeded = "deadline_exceeded": "It took too long.",
    Unauthenticated = "unauthenticated": "The caller is not known.",
    PermissionDenied = "permission_denied": "The caller may not do this.",
    NotFound = "not_found": "There is no such thing.",
    ResourceExhausted = "resource_exhausted": "A limit was reached.",
    InvalidArgument = "invalid_argument": "The caller asked for something that makes no sense.",
    Unimplemented = "unimplemented": "It cannot be done.",
    Unavailable = "unavailable": "It cannot be done at the moment.",
    InternalError = "internal_error": "It failed for an inner reason.",
    UnknownError = "unknown_error" | "unknown": "It failed for an unknown reason.",
    Cancelled = "cancelled" | "canceled": "It was given up.",
    AlreadyExists = "already_exists": "There is such a thing already.",
    FailedPrecondition = "failed_precondition": "The system is not in the right state for it.",
    Aborted = "aborted": "It was interrupted.",
    OutOfRange = "out_of_range": "It went beyond the end.",
    DataLoss = "data_loss": "Data was lost.",
}

impl fmt::Display for SpanStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for SpanStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for SpanStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_snake_case_text() {
        assert_eq!(NAMES.len(), 17);
        for (status, name) in NAMES {
            assert_eq!(name.replace('_', ""), format!("{status:?}").to_lowercase());
            assert_eq!(status.to_string(), *name);
            assert_eq!(name.parse::<SpanStatus>().unwrap(), *status);
            assert_eq!(serde_json::to_value(status).unwrap(), *name);
        }
    }

    #[test]
    fn other_spellings_are_read() {
        assert_eq!("unknown".parse::<SpanStatus>().unwrap(), SpanStatus::UnknownError);
        assert_eq!("canceled".parse::<SpanStatus>().unwrap(), SpanStatus::Cancelled);
        assert!("fine".parse::<SpanStatus>().is_err());
    }
}
