use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The project a DSN belongs to: the last part of its path, usually but not necessarily a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectId(String);

impl ProjectId {
    /// A project id from its text, unchecked.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProjectId {
    type Err = ParseProjectIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for ProjectId {
    type Error = ParseProjectIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err(ParseProjectIdError::EmptyValue) } else { Ok(Self(text)) }
    }
}

impl From<ProjectId> for String {
    fn from(id: ProjectId) -> Self {
        id.0
    }
}

/// Why a text is no [`ProjectId`].
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParseProjectIdError {
    /// It is empty.
    EmptyValue,
}

impl fmt::Display for ParseProjectIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyValue => f.write_str("empty project id"),
        }
    }
}

impl Error for ParseProjectIdError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_but_the_empty_one_is_an_id() {
        assert_eq!("42".parse::<ProjectId>().unwrap(), ProjectId::new("42"));
        assert_eq!("my-project".parse::<ProjectId>().unwrap().value(), "my-project");
        assert_eq!("".parse::<ProjectId>(), Err(ParseProjectIdError::EmptyValue));
        assert!(serde_json::from_str::<ProjectId>("\"\"").is_err());
        assert_eq!(serde_json::to_string(&ProjectId::new("7")).unwrap(), "\"7\"");
    }
}
