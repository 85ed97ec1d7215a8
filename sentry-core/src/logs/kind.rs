//! Which values can be written as they are.
//!
//! A text that is borrowed needs no copy; everything else becomes a [`LogAttribute`]. Macros call `(&value).sentry_kind()`,
//! and method lookup finds the closest one.

use super::draft::Given;
use crate::protocol::LogAttribute;

/// A borrowed text.
#[derive(Debug)]
pub struct Text;

/// Anything that can be made an attribute.
#[derive(Debug)]
pub struct Any;

/// Chosen for texts.
pub trait TextKind {
    /// The kind.
    fn sentry_kind(&self) -> Text {
        Text
    }
}

impl TextKind for &str {}

/// Chosen for the rest.
pub trait AnyKind {
    /// The kind.
    fn sentry_kind(&self) -> Any {
        Any
    }
}

impl<T> AnyKind for &T {}

impl Text {
    /// The value as it is written.
    #[inline]
    #[must_use]
    pub fn given(self, text: &str) -> Given<'_> {
        Given::Text(text)
    }
}

impl Any {
    /// The value as it is written.
    #[inline]
    #[must_use]
    pub fn given<T>(self, value: T) -> Given<'static>
    where
        LogAttribute: From<T>,
    {
        Given::Value(value.into())
    }
}
