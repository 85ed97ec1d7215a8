//! Where Spotlight listens.

use sentry_core::protocol::Url;

/// An `http` address, in the parts that a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or an address, IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) path: String,
    /// For the `Host` header.
    pub(super) authority: String,
}

impl Address {
    /// `None` for anything but `http`: a tool on the same machine needs no TLS.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let url = Url::parse(url.trim()).ok()?;
        if url.scheme() != "http" || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let (bracketed, port) = (url.host_str()?, url.port_or_known_default()?);
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        Some(Self {
            host: bracketed.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            path,
            authority: format!("{bracketed}:{port}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::options::Spotlight;

    use super::*;

    #[test]
    fn parts_of_an_address() {
        let parts = |url| Address::parse(url).map(|a| (a.host, a.port, a.path, a.authority));
        let owned = |host: &str, port, path: &str, authority: &str| {
            Some((host.to_owned(), port, path.to_owned(), authority.to_owned()))
        };
        assert_eq!(parts(Spotlight::DEFAULT_URL), owned("localhost", 8969, "/stream", "localhost:8969"));
        assert_eq!(parts(" http://[::1]:1/a b?c#d "), owned("::1", 1, "/a%20b?c", "[::1]:1"));
        assert_eq!(parts("http://host"), owned("host", 80, "/", "host:80"));
        assert_eq!(parts("http://h/\r\nX-Evil:1"), owned("h", 80, "/X-Evil:1", "h:80"));
        for wrong in
            ["", "yes please", "https://host/", "http://", "http://a:b@host/", "file:///x", "http://h:99999/"]
        {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
