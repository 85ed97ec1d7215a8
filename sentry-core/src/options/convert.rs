//! What can be given where options are wanted: a DSN, a pair of DSN and options, or options.

use crate::intodsn::IntoDsn;
use crate::options::{ClientOptions, OptionsError};
use crate::types::ParseDsnError;

impl ClientOptions {
    /// The defaults with the given DSN.
    ///
    /// ```
    /// use sentry_core::ClientOptions;
    ///
    /// assert!(ClientOptions::try_from_dsn("https://key@host/42").is_ok());
    /// assert!(ClientOptions::try_from_dsn("not a dsn").is_err());
    /// ```
    ///
    /// # Errors
    /// When there is a text that is no DSN.
    pub fn try_from_dsn(dsn: impl IntoDsn) -> Result<Self, ParseDsnError> {
        Self::default().try_with_dsn(dsn)
    }

    /// These options with the given DSN, or, if that is empty, without one.
    ///
    /// # Errors
    /// When there is a text that is no DSN.
    pub fn try_with_dsn(self, dsn: impl IntoDsn) -> Result<Self, ParseDsnError> {
        Ok(Self { dsn: dsn.into_dsn()?, ..self })
    }
}

/// Panics when the DSN is invalid; [`ClientOptions::try_from_dsn`] returns an error instead.
impl<T: IntoDsn> From<T> for ClientOptions {
    fn from(dsn: T) -> Self {
        Self::from((dsn, Self::default()))
    }
}

/// Panics when the DSN is invalid; [`ClientOptions::try_with_dsn`] returns an error instead.
impl<T: IntoDsn> From<(T, Self)> for ClientOptions {
    #[expect(clippy::panic, reason = "documented: a DSN written in code is either right or a bug")]
    fn from((dsn, options): (T, Self)) -> Self {
        match options.try_with_dsn(dsn) {
            Ok(options) => options,
            Err(error) => panic!("invalid value for DSN: {error}"),
        }
    }
}

/// Everything that is `Into<ClientOptions>`, with an error where that conversion panics.
///
/// ```
/// use sentry_core::{ClientOptions, TryIntoOptions};
///
/// assert!(("https://key@host/42", ClientOptions::new().sample_rate(0.5)).try_into_options().is_ok());
/// assert!("not a dsn".try_into_options().is_err());
/// assert!(ClientOptions::new().sample_rate(1.5).try_into_options().is_err());
/// ```
pub trait TryIntoOptions {
    /// The options, checked.
    ///
    /// # Errors
    /// When the DSN is invalid or a rate is out of range.
    fn try_into_options(self) -> Result<ClientOptions, OptionsError>;
}

impl TryIntoOptions for ClientOptions {
    fn try_into_options(self) -> Result<ClientOptions, OptionsError> {
        self.validate()?;
        Ok(self)
    }
}

impl<T: IntoDsn> TryIntoOptions for T {
    fn try_into_options(self) -> Result<ClientOptions, OptionsError> {
        (self, ClientOptions::default()).try_into_options()
    }
}

impl<T: IntoDsn> TryIntoOptions for (T, ClientOptions) {
    fn try_into_options(self) -> Result<ClientOptions, OptionsError> {
        let (dsn, options) = self;
        options.try_with_dsn(dsn)?.try_into_options()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_options_converts() {
        let dsn = "https://key@host/42";
        for options in [
            ClientOptions::from(dsn),
            dsn.to_owned().into(),
            Some(dsn).into(),
            (dsn, ClientOptions::default()).into(),
            ClientOptions::new().dsn(dsn),
        ] {
            assert_eq!(options.dsn.map(|dsn| dsn.to_string()).as_deref(), Some(dsn));
        }
        assert!(ClientOptions::from(()).dsn.is_none());
        assert!(ClientOptions::from("").dsn.is_none());
    }

    #[test]
    fn the_dsn_of_a_pair_replaces_the_one_of_the_options() {
        let options = ClientOptions::new().dsn("https://old@host/1").release("app@1");
        let options = ClientOptions::from(("https://new@host/2", options));
        assert_eq!(options.dsn.as_ref().map(|dsn| dsn.public_key()), Some("new"));
        assert_eq!(options.release.as_deref(), Some("app@1"));
    }

    #[test]
    fn an_invalid_dsn_panics_as_documented_without_repeating_it() {
        let forms: [fn() -> ClientOptions; 3] = [
            || ClientOptions::from("ftp://hush@host/1"),
            || ClientOptions::from(("ftp://hush@host/1", ClientOptions::default())),
            || ClientOptions::new().dsn("ftp://hush@host/1"),
        ];
        for form in forms {
            let payload = std::panic::catch_unwind(form).expect_err("it panics");
            let text = payload.downcast_ref::<String>().expect("the message is text");
            assert!(text.contains("invalid value for DSN"), "{text}");
            assert!(!text.contains("hush"), "{text}");
        }
    }

    #[test]
    fn the_fallible_form_returns_the_error() {
        let error = "ftp://hush@host/1".try_into_options().expect_err("the scheme is wrong");
        assert!(!format!("{error} {error:?}").contains("hush"));
        assert!(std::error::Error::source(&error).is_some());
        assert!(().try_into_options().is_ok());
    }
}
