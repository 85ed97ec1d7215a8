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
