//! Whether copies go to Spotlight.

use std::borrow::Cow;

/// Whether a copy of everything goes to [Spotlight](https://spotlightjs.com) on the developer's machine
/// (protocol section 21.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Spotlight {
    /// Not said: `SENTRY_SPOTLIGHT` decides, and without it nothing is copied.
    #[default]
    Unset,
    /// No, whatever the environment says.
    Off,
    /// Yes, to the usual address, or the one in the environment.
    On,
    /// Yes, to this address.
    Url(Cow<'static, str>),
}

impl Spotlight {
    /// The usual address.
    pub const DEFAULT_URL: &'static str = "http://localhost:8969/stream";

    /// Whether copies are wanted.
    #[must_use]
    pub fn is_on(&self) -> bool {
        matches!(self, Self::On | Self::Url(_))
    }

    /// Where they go, if they are wanted.
    ///
    /// ```
    /// use sentry_core::options::Spotlight;
    ///
    /// assert_eq!(Spotlight::On.url(), Some(Spotlight::DEFAULT_URL));
    /// assert_eq!(Spotlight::from("http://10.0.0.2:8969/stream").url(), Some("http://10.0.0.2:8969/stream"));
    /// assert_eq!(Spotlight::Unset.url(), None);
    /// ```
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Unset | Self::Off => None,
            Self::On => Some(Self::DEFAULT_URL),
            Self::Url(url) => Some(url),
        }
    }

    /// What is in force when the code says `self` and `SENTRY_SPOTLIGHT` says `env`, and what is wrong with that.
    ///
    /// The code wins, but a mere "on" takes the address from the environment.
    pub(super) fn or_env(self, env: Option<Self>) -> (Self, Option<&'static str>) {
        let Some(env) = env else { return (self, None) };
        match (self, env) {
            (Self::Unset, env) | (Self::On, env @ Self::Url(_)) => (env, None),
            (Self::Off, Self::On | Self::Url(_)) => {
                (Self::Off, Some("SENTRY_SPOTLIGHT is ignored, Spotlight is switched off in code"))
            }
            (Self::Url(url), Self::Url(other)) if url != other => {
                (Self::Url(url), Some("SENTRY_SPOTLIGHT is ignored, another address is set in code"))
            }
            (code, _) => (code, None),
        }
    }
}

impl From<bool> for Spotlight {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

impl From<&'static str> for Spotlight {
    fn from(url: &'static str) -> Self {
        Self::Url(Cow::Borrowed(url))
    }
}

impl From<String> for Spotlight {
    fn from(url: String) -> Self {
        Self::Url(Cow::Owned(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_code_and_environment() {
        let (a, b) = (Spotlight::from("http://a/stream"), Spotlight::from("http://b/stream"));
        let (unset, off, on) = (Spotlight::Unset, Spotlight::Off, Spotlight::On);
        // (code, environment, in force, warned)
        let table = [
            (&unset, None, &unset, false),
            (&unset, Some(&off), &off, false),
            (&unset, Some(&on), &on, false),
            (&unset, Some(&b), &b, false),
            (&off, None, &off, false),
            (&off, Some(&off), &off, false),
            (&off, Some(&on), &off, true),
            (&off, Some(&b), &off, true),
            (&on, None, &on, false),
            (&on, Some(&off), &on, false),
            (&on, Some(&on), &on, false),
            (&on, Some(&b), &b, false),
            (&a, None, &a, false),
            (&a, Some(&off), &a, false),
            (&a, Some(&on), &a, false),
            (&a, Some(&b), &a, true),
            (&a, Some(&a), &a, false),
        ];
        for (code, env, expected, warned) in table {
            let (found, warning) = code.clone().or_env(env.cloned());
            assert_eq!((&found, warning.is_some()), (expected, warned), "{code:?} and {env:?}");
        }
    }
}
