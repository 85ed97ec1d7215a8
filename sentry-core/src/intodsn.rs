use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use crate::types::{Dsn, ParseDsnError};

/// What can be given where a DSN is wanted.
///
/// Nothing, `None` and empty text mean that there is none, which leaves a client switched off.
///
/// ```
/// use sentry_core::IntoDsn;
///
/// assert_eq!("".into_dsn()?, None);
/// assert_eq!("https://key@host/42".into_dsn()?.map(|dsn| dsn.port()), Some(443));
/// assert!("not a dsn".into_dsn().is_err());
/// # Ok::<(), sentry_core::types::ParseDsnError>(())
/// ```
pub trait IntoDsn {
    /// The DSN, if there is one.
    ///
    /// # Errors
    /// When there is a text that is no DSN.
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError>;
}

impl<I: IntoDsn> IntoDsn for Option<I> {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        self.map_or(Ok(None), I::into_dsn)
    }
}

impl IntoDsn for () {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        Ok(None)
    }
}

impl IntoDsn for &'_ str {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        match self.trim() {
            "" => Ok(None),
            text => text.parse().map(Some),
        }
    }
}

impl IntoDsn for Cow<'_, str> {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        (*self).into_dsn()
    }
}

impl IntoDsn for String {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        self.as_str().into_dsn()
    }
}

impl IntoDsn for &'_ OsStr {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        self.to_string_lossy().into_dsn()
    }
}

impl IntoDsn for OsString {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        self.as_os_str().into_dsn()
    }
}

impl IntoDsn for Dsn {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        Ok(Some(self))
    }
}

impl IntoDsn for &'_ Dsn {
    fn into_dsn(self) -> Result<Option<Dsn>, ParseDsnError> {
        Ok(Some(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "https://public@example.com/42";

    #[test]
    fn every_form_of_a_dsn_is_taken() {
        let dsn: Dsn = TEXT.parse().unwrap();
        for parsed in [
            TEXT.into_dsn(),
            TEXT.to_owned().into_dsn(),
            Cow::Borrowed(TEXT).into_dsn(),
            Some(TEXT).into_dsn(),
            OsStr::new(TEXT).into_dsn(),
            OsString::from(TEXT).into_dsn(),
            (&dsn).into_dsn(),
            dsn.clone().into_dsn(),
        ] {
            assert_eq!(parsed.unwrap().as_ref(), Some(&dsn));
        }
    }

    #[test]
    fn every_form_of_nothing_is_none() {
        for parsed in [
            ().into_dsn(),
            "".into_dsn(),
            " \n".into_dsn(),
            None::<&str>.into_dsn(),
            OsString::new().into_dsn(),
        ] {
            assert_eq!(parsed.unwrap(), None);
        }
    }

    #[test]
    fn a_wrong_text_is_an_error() {
        assert!("https://example.com".into_dsn().is_err());
        assert!(Some(",,,:;:").into_dsn().is_err());
    }
}
