use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::Dsn;
use super::protocol::LATEST;

/// What authenticates a request: the content of an `X-Sentry-Auth` header.
///
/// `Display` is that header. `Debug` leaves the keys out.
///
/// ```
/// use sentry_core::types::Auth;
///
/// let auth: Auth = "Sentry sentry_key=abc, sentry_version=7, sentry_client=app/1.0".parse()?;
/// assert_eq!((auth.public_key(), auth.version(), auth.client_agent()), ("abc", 7, Some("app/1.0")));
/// # Ok::<(), sentry_core::types::ParseAuthError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct Auth {
    #[serde(skip)]
    timestamp: Option<SystemTime>,
    #[serde(rename = "sentry_client", default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(rename = "sentry_version", default = "latest")]
    version: u16,
    #[serde(rename = "sentry_key")]
    key: String,
    #[serde(rename = "sentry_secret", default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Auth {
    /// Reads it from the pairs of a header or query string; keys it does not know are ignored.
    ///
    /// # Errors
    /// When there is no public key or the version is not a number.
    pub fn from_pairs<'a, I, K, V>(pairs: I) -> Result<Self, ParseAuthError>
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<str>,
        V: Into<Cow<'a, str>>,
    {
        let mut auth =
            Self { timestamp: None, client: None, version: LATEST, key: String::new(), secret: None };
        for (key, value) in pairs {
            let value = value.into();
            match key.as_ref() {
                "sentry_timestamp" => auth.timestamp = parse_timestamp(&value),
                "sentry_client" => auth.client = Some(value.into_owned()),
                "sentry_version" => auth.version = parse_version(&value)?,
                "sentry_key" => auth.key = value.into_owned(),
                "sentry_secret" => auth.secret = Some(value.into_owned()),
                _ => {}
            }
        }
        if auth.key.is_empty() { Err(ParseAuthError::MissingPublicKey) } else { Ok(auth) }
    }

    /// Reads it from a percent-encoded query string.
    ///
    /// # Errors
    /// As [`from_pairs`](Self::from_pairs).
    pub fn from_querystring(query: &[u8]) -> Result<Self, ParseAuthError> {
        Self::from_pairs(form_urlencoded::parse(query))
    }

    pub(super) fn from_dsn(dsn: &Dsn, client: Option<&str>) -> Self {
        Self {
            timestamp: None,
            client: client.map(str::to_owned),
            version: LATEST,
            key: dsn.public_key().to_owned(),
            secret: dsn.secret_key().map(str::to_owned),
        }
    }

    /// When the request was made, if it says so. Never written: the field is deprecated.
    #[must_use]
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.timestamp
    }

    /// The version of the protocol.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.version
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.key
    }

    /// The secret key of old DSNs.
    #[must_use]
    pub fn secret_key(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Whether there is no secret key.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    /// The SDK that made the request, as `name/version`.
    #[must_use]
    pub fn client_agent(&self) -> Option<&str> {
        self.client.as_deref()
    }
}

impl fmt::Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sentry sentry_key={}, sentry_version={}", self.key, self.version)?;
        if let Some(client) = &self.client {
            write!(f, ", sentry_client={client}")?;
        }
        if let Some(secret) = &self.secret {
            write!(f, ", sentry_secret={secret}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("version", &self.version)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl FromStr for Auth {
    type Err = ParseAuthError;

    fn from_str(header: &str) -> Result<Self, Self::Err> {
        let (scheme, pairs) = header.trim().split_once(' ').ok_or(ParseAuthError::NonSentryAuth)?;
        if !scheme.eq_ignore_ascii_case("sentry") {
            return Err(ParseAuthError::NonSentryAuth);
        }
        Self::from_pairs(pairs.split(',').filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.trim(), value.trim()))
        }))
    }
}

/// Why a text is no [`Auth`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseAuthError {
    /// It does not begin with `Sentry`.
    NonSentryAuth,
    /// Its version is not a number.
    InvalidVersion,
    /// It names no public key.
    MissingPublicKey,
}

impl fmt::Display for ParseAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NonSentryAuth => "not a sentry auth header",
            Self::InvalidVersion => "invalid protocol version in auth",
            Self::MissingPublicKey => "missing public key in auth",
        })
    }
}

impl Error for ParseAuthError {}

fn latest() -> u16 {
    LATEST
}

/// Old clients write `2.0`: only the major version counts.
fn parse_version(text: &str) -> Result<u16, ParseAuthError> {
    let major = text.split('.').next().unwrap_or_default();
    major.trim().parse().map_err(|_| ParseAuthError::InvalidVersion)
}

fn parse_timestamp(text: &str) -> Option<SystemTime> {
    let seconds = Duration::try_from_secs_f64(text.trim().parse().ok()?).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_header_is_read() {
        let auth: Auth = "sentry sentry_timestamp=1328055286.51,sentry_client=raven-python/42, \
             sentry_version=6, sentry_key=public , sentry_secret=secret"
            .parse()
            .unwrap();
        assert_eq!(
            auth.timestamp(),
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs_f64(1_328_055_286.51))
        );
        assert_eq!(auth.client_agent(), Some("raven-python/42"));
        assert_eq!((auth.version(), auth.public_key()), (6, "public"));
        assert_eq!((auth.secret_key(), auth.is_public()), (Some("secret"), false));
    }

    #[test]
    fn a_query_string_is_decoded() {
        let auth = Auth::from_querystring(b"sentry_key=a%20b&sentry_client=x%2F1&unknown=1").unwrap();
        assert_eq!((auth.public_key(), auth.client_agent(), auth.version()), ("a b", Some("x/1"), 7));
        assert!(auth.is_public());
    }

    #[test]
    fn display_is_the_header_without_the_deprecated_timestamp() {
        let auth: Auth =
            "Sentry sentry_timestamp=1, sentry_secret=s, sentry_key=k, sentry_client=c/1".parse().unwrap();
        assert_eq!(
            auth.to_string(),
            "Sentry sentry_key=k, sentry_version=7, sentry_client=c/1, sentry_secret=s"
        );
    }

    #[test]
    fn debug_shows_no_key() {
        let auth: Auth = "Sentry sentry_key=pubkey, sentry_secret=hush".parse().unwrap();
        let debug = format!("{auth:?}");
        assert!(!debug.contains("pubkey") && !debug.contains("hush"), "{debug}");
    }

    #[test]
    fn ugly_headers_are_refused_for_the_right_reason() {
        for (header, error) in [
            ("", ParseAuthError::NonSentryAuth),
            ("Sentry", ParseAuthError::NonSentryAuth),
            ("Bearer sentry_key=a", ParseAuthError::NonSentryAuth),
            (",,,:;:", ParseAuthError::NonSentryAuth),
            ("Sentry ,,,:;:", ParseAuthError::MissingPublicKey),
            ("Sentry sentry_key=", ParseAuthError::MissingPublicKey),
            ("Sentry sentry_key=a,sentry_version=latest", ParseAuthError::InvalidVersion),
            ("Sentry sentry_key=a,sentry_version=99999", ParseAuthError::InvalidVersion),
        ] {
            assert_eq!(header.parse::<Auth>().unwrap_err(), error, "{header:?}");
        }
        for timestamp in ["NaN", "-1", "inf", "1e300", "", "x"] {
            let header = format!("Sentry sentry_key=a, sentry_timestamp={timestamp}");
            assert_eq!(header.parse::<Auth>().unwrap().timestamp(), None, "{timestamp:?}");
        }
    }

    #[test]
    fn json_round_trip() {
        let auth: Auth = "Sentry sentry_key=k, sentry_version=5".parse().unwrap();
        let json = serde_json::to_string(&auth).unwrap();
        assert_eq!(json, r#"{"sentry_version":5,"sentry_key":"k"}"#);
        assert_eq!(serde_json::from_str::<Auth>(&json).unwrap().to_string(), auth.to_string());
    }
}
