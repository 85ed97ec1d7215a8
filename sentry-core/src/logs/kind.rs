//! Which values can be written as they are.
//!
//! A text that is borrowed needs no copy, and a number or a truth value is small; everything else becomes a [`LogAttribute`].
//! Macros call `(&value).sentry_kind()`, and method lookup finds the closest one.

use super::draft::Given;
use crate::protocol::LogAttribute;

/// A borrowed text.
#[derive(Debug)]
pub struct Text;

/// A number or a truth value.
#[derive(Debug)]
pub struct Plain;

/// Anything that can be made an attribute.
#[derive(Debug)]
pub struct Any;

/// Chosen for texts.
pub trait TextKind {
    /// The kind.
    #[inline]
    fn sentry_kind(&self) -> Text {
        Text
    }
}

impl TextKind for &str {}

/// Chosen for numbers and truth values. All of them are of one kind, or a number without a type would have none.
pub trait PlainKind {
    /// The kind.
    #[inline]
    fn sentry_kind(&self) -> Plain {
        Plain
    }
}

macro_rules! plain {
    ($($ty:ty => $value:ident => $given:expr;)*) => {
        $(
            impl PlainKind for $ty {}

            impl From<$ty> for Given<'_> {
                #[inline]
                fn from($value: $ty) -> Self {
                    $given
                }
            }
        )*
    };
}

plain! {
    bool => value => Self::Boolean(value);
    f32 => value => Self::Double(value.into());
    f64 => value => Self::Double(value);
    i8 => value => Self::Integer(value.into());
    i16 => value => Self::Integer(value.into());
    i32 => value => Self::Integer(value.into());
    i64 => value => Self::Integer(value);
    isize => value => i64::try_from(value).map_or_else(|_| Self::Value(value.into()), Self::Integer);
    u8 => value => Self::Integer(value.into());
    u16 => value => Self::Integer(value.into());
    u32 => value => Self::Integer(value.into());
    u64 => value => i64::try_from(value).map_or_else(|_| Self::Value(value.into()), Self::Integer);
    usize => value => i64::try_from(value).map_or_else(|_| Self::Value(value.into()), Self::Integer);
}

/// Chosen for the rest.
pub trait AnyKind {
    /// The kind.
    #[inline]
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

impl Plain {
    /// The value as it is written.
    #[inline]
    #[must_use]
    pub fn given<T: Into<Given<'static>>>(self, value: T) -> Given<'static> {
        value.into()
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
