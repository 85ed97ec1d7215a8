use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Auth, ParseProjectIdError, ProjectId, Scheme};
use crate::protocol::OrganizationId;

/// Where to send to and as whom: `scheme://public_key[:secret]@host[:port]/[path/]project_id`.
///
/// `Display` writes the whole DSN, so that it survives a round trip through text. `Debug` is what ends up in logs and
/// shows no key.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dsn {
    scheme: Scheme,
    public_key: String,
    secret_key: Option<String>,
    /// The server with the path below which its API lives: no keys, no query, a slash at the end.
    base: Url,
    project_id: ProjectId,
}

impl Dsn {
    /// The header that authenticates requests to this DSN, made by `client_agent` (`name/version`).
    #[must_use]
    pub fn to_auth(&self, client_agent: Option<&str>) -> Auth {
        Auth::from_dsn(self, client_agent)
    }

    /// Where envelopes go.
    #[must_use]
    pub fn envelope_api_url(&self) -> Url {
        self.api_url("envelope")
    }

    /// Where single events went before there were envelopes.
    #[must_use]
    pub fn store_api_url(&self) -> Url {
        self.api_url("store")
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The secret key of old DSNs.
    #[must_use]
    pub fn secret_key(&self) -> Option<&str> {
        self.secret_key.as_deref()
    }

    /// The server.
    #[must_use]
    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The port, or the scheme's own when the DSN names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.base.port().unwrap_or_else(|| self.scheme.default_port())
    }

    /// The path before the project id, with a slash at both ends.
    #[must_use]
    pub fn path(&self) -> &str {
        self.base.path()
    }

    /// The project.
    #[must_use]
    pub fn project_id(&self) -> &ProjectId {
        &self.project_id
    }

    /// The organization, when the host names it as `o<digits>.`.
    #[must_use]
    pub fn org_id(&self) -> Option<OrganizationId> {
        let (label, _) = self.host().split_once('.')?;
        let digits = label.strip_prefix('o')?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.parse::<u64>().ok().map(OrganizationId::from)
    }

    fn api_url(&self, endpoint: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}api/{}/{endpoint}/", self.path(), self.project_id));
        url
    }

    /// What stands between the keys and the end, the same in every form.
    fn fmt_location(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host())?;
        if let Some(port) = self.base.port() {
            write!(f, ":{port}")?;
        }
        write!(f, "{}{}", self.path(), self.project_id)
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.public_key)?;
        if let Some(secret) = &self.secret_key {
            write!(f, ":{secret}")?;
        }
        f.write_str("@")?;
        self.fmt_location(f)
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://<redacted>@", self.scheme)?;
        self.fmt_location(f)
    }
}

impl FromStr for Dsn {
    type Err = ParseDsnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut base = Url::parse(text).map_err(|_| ParseDsnError::InvalidUrl)?;
        let scheme = match base.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(ParseDsnError::InvalidScheme),
        };
        if base.host_str().is_none_or(str::is_empty) {
            return Err(ParseDsnError::InvalidUrl);
        }
        let public_key = match base.username() {
            "" => return Err(ParseDsnError::NoUsername),
            key => key.to_owned(),
        };
        let secret_key = base.password().map(str::to_owned);

        let path = base.path().trim_matches('/');
        let (prefix, project) = path.rsplit_once('/').unwrap_or(("", path));
        if project.is_empty() {
            return Err(ParseDsnError::NoProjectId);
        }
        let project_id = project.parse()?;
        let prefix = match prefix.trim_end_matches('/') {
            "" => "/".to_owned(),
            prefix => format!("/{prefix}/"),
        };

        base.set_path(&prefix);
        base.set_query(None);
        base.set_fragment(None);
        // Both only fail for URLs that cannot have a host, and this one has.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        Ok(Self { scheme, public_key, secret_key, base, project_id })
    }
}

impl TryFrom<String> for Dsn {
    type Error = ParseDsnError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Dsn> for String {
    fn from(dsn: Dsn) -> Self {
        dsn.to_string()
    }
}

/// Why a text is no [`Dsn`]. Never repeats the text, which may hold a key.
#[derive(Debug)]
pub enum ParseDsnError {
    /// It is not a URL.
    InvalidUrl,
    /// Its scheme is neither `http` nor `https`.
    InvalidScheme,
    /// It has no public key.
    NoUsername,
    /// It has no path.
    NoProjectId,
    /// Its path does not end in a project id.
    InvalidProjectId(ParseProjectIdError),
}

impl fmt::Display for ParseDsnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidUrl => "the dsn is not a url",
            Self::InvalidScheme => "the scheme of the dsn is neither http nor https",
            Self::NoUsername => "the dsn has no public key",
            Self::NoProjectId => "the dsn has no project id",
            Self::InvalidProjectId(_) => "the project id of the dsn is invalid",
        })
    }
}

impl Error for ParseDsnError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InvalidProjectId(error) => Some(error),
            Self::InvalidUrl | Self::InvalidScheme | Self::NoUsername | Self::NoProjectId => None,
        }
    }
}

impl From<ParseProjectIdError> for ParseDsnError {
    fn from(error: ParseProjectIdError) -> Self {
        Self::InvalidProjectId(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dsn(text: &str) -> Dsn {
        text.parse().unwrap()
    }

    #[test]
    fn every_part_is_read() {
        let dsn = dsn("https://username:password@domain:8888/23%21");
        assert_eq!(dsn.scheme(), Scheme::Https);
        assert_eq!((dsn.public_key(), dsn.secret_key()), ("username", Some("password")));
        assert_eq!((dsn.host(), dsn.port(), dsn.path()), ("domain", 8888, "/"));
        assert_eq!(dsn.project_id().value(), "23%21");
    }

    #[test]
    fn text_round_trips() {
        for text in [
            "https://key@host/42",
            "http://key@host/42",
            "https://key:secret@host:8888/42",
            "https://key:@host/42",
            "https://key@[::1]:9000/42",
            "https://key@127.0.0.1/some/path/to/42",
            "https://key@xn--bcher-kva.example/projekt-%C3%A4",
        ] {
            let dsn = dsn(text);
            let again: Dsn = dsn.to_string().parse().unwrap();
            assert_eq!(again, dsn);
            assert_eq!(serde_json::from_str::<Dsn>(&serde_json::to_string(&dsn).unwrap()).unwrap(), dsn);
        }
        let text = "https://key:secret@host:8888/prefix/42";
        assert_eq!(dsn(text).to_string(), text);
    }

    #[test]
    fn api_urls_keep_the_path_prefix() {
        for (text, url) in [
            ("https://k@host/42", "https://host/api/42/envelope/"),
            ("http://k:s@host:8080/42/", "http://host:8080/api/42/envelope/"),
            ("https://k@host:443/a/b/42", "https://host/a/b/api/42/envelope/"),
            ("https://k@host//a//42?x=1#y", "https://host/a/api/42/envelope/"),
        ] {
            assert_eq!(dsn(text).envelope_api_url().as_str(), url, "{text}");
        }
        assert_eq!(dsn("https://k@host/p/42").store_api_url().as_str(), "https://host/p/api/42/store/");
    }

    #[test]
    fn the_default_port_is_the_one_of_the_scheme() {
        assert_eq!(dsn("https://k@host/1").port(), 443);
        assert_eq!(dsn("http://k@host/1").port(), 80);
        assert_eq!(dsn("http://k@host:443/1").port(), 443);
    }

    #[test]
    fn the_organization_is_in_the_host() {
        assert_eq!(dsn("https://k@o123.ingest.example.com/1").org_id(), Some(OrganizationId::from(123)));
        for host in
            ["o123", "o.example.com", "x123.example.com", "o12x.example.com", "1.2.3.4", "o+1.example.com"]
        {
            assert_eq!(dsn(&format!("https://k@{host}/1")).org_id(), None, "{host}");
        }
        assert_eq!(dsn("https://k@o99999999999999999999999.example.com/1").org_id(), None);
    }

    #[test]
    fn debug_shows_no_key() {
        let debug = format!("{:?}", dsn("https://pubkey:hush@host:8080/p/42"));
        assert_eq!(debug, "https://<redacted>@host:8080/p/42");
    }

    #[test]
    fn auth_carries_the_keys() {
        assert_eq!(
            dsn("https://pub:sec@host/1").to_auth(Some("sentry.rust/1.0")).to_string(),
            "Sentry sentry_key=pub, sentry_version=7, sentry_client=sentry.rust/1.0, sentry_secret=sec"
        );
        assert_eq!(
            dsn("https://pub@host/1").to_auth(None).to_string(),
            "Sentry sentry_key=pub, sentry_version=7"
        );
    }

    #[test]
    fn ugly_input_is_refused_without_repeating_it() {
        for (text, kind) in [
            ("", "InvalidUrl"),
            (" ", "InvalidUrl"),
            (",,,:;:", "InvalidUrl"),
            ("https", "InvalidUrl"),
            ("https:", "InvalidUrl"),
            ("https://", "InvalidUrl"),
            ("https://key@/42", "InvalidUrl"),
            ("https://key@host:99999/42", "InvalidUrl"),
            ("🦀🦀🦀", "InvalidUrl"),
            ("ftp://hush@host/42", "InvalidScheme"),
            ("data:text/plain,hush", "InvalidScheme"),
            ("https://host/42", "NoUsername"),
            ("https://:hush@host/42", "NoUsername"),
            ("https://hush@host", "NoProjectId"),
            ("https://hush@host/", "NoProjectId"),
            ("https://hush@host///", "NoProjectId"),
            ("https://hush@host?42", "NoProjectId"),
        ] {
            let error = text.parse::<Dsn>().unwrap_err();
            let shown = format!("{error:?} {error}");
            assert!(shown.starts_with(kind), "{text:?}: {shown}");
            assert!(!shown.contains("hush"), "{shown}");
        }
    }

    #[test]
    fn unicode_is_taken_as_a_url_takes_it() {
        let dsn = dsn("https://schlüssel@bücher.example/prüfung/ä");
        assert_eq!(dsn.host(), "xn--bcher-kva.example");
        assert_eq!(dsn.envelope_api_url().path(), "/pr%C3%BCfung/api/%C3%A4/envelope/");
        assert!(dsn.to_string().is_ascii());
    }

    #[test]
    fn no_cut_of_a_dsn_panics_and_what_parses_round_trips() {
        let text = "https://key:secret@o1.host.example:8888/prefix/🦀/42?q=1#f";
        for (end, _) in text.char_indices() {
            for start in 0..3 {
                if let Ok(dsn) = text[start.min(end)..end].parse::<Dsn>() {
                    assert_eq!(dsn.to_string().parse::<Dsn>().unwrap(), dsn);
                }
            }
        }
    }
}
