//! Which way requests take: straight, through a proxy, or over a unix socket.

use std::net::IpAddr;
use std::path::PathBuf;

use sentry_core::ClientOptions;
use sentry_core::types::Scheme;

use super::report::Row;

/// Where the sender connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// There is no DSN.
    None,
    /// The server of the DSN.
    Direct { host: String, port: u16, bypassed: bool },
    /// A proxy, which looks up the server by itself.
    Proxy { host: String, port: u16, option: &'static str },
    /// The URL of the proxy cannot be read.
    Unreadable(&'static str),
    /// A local Relay.
    Socket(PathBuf),
}

impl Route {
    pub(super) fn of(options: &ClientOptions) -> Self {
        let Some(dsn) = &options.dsn else { return Self::None };
        if let Some(path) = &options.http.unix_socket {
            return Self::Socket(path.clone());
        }
        let (option, proxy) = match dsn.scheme() {
            Scheme::Http => ("http_proxy", &options.http_proxy),
            Scheme::Https => ("https_proxy", &options.https_proxy),
        };
        let host = dsn.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let bypassed = options.http.no_proxy.as_deref().is_some_and(|list| is_listed(&host, list));
        match proxy.as_deref() {
            Some(url) if !bypassed => match address(url) {
                Some((host, port)) => Self::Proxy { host, port, option },
                None => Self::Unreadable(option),
            },
            proxy => Self::Direct { host, port: dsn.port(), bypassed: proxy.is_some() },
        }
    }

    /// The host and port that a connection goes to.
    pub(super) fn target(&self) -> Option<(&str, u16)> {
        match self {
            Self::Direct { host, port, .. } | Self::Proxy { host, port, .. } => Some((host, *port)),
            Self::None | Self::Unreadable(_) | Self::Socket(_) => None,
        }
    }

    pub(super) fn row(&self) -> Row {
        match self {
            Self::None => Row::skipped("proxy", "there is no DSN"),
            Self::Direct { bypassed: false, .. } => Row::ok("proxy", "none"),
            Self::Direct { bypassed: true, .. } => Row::ok("proxy", "none for this host, as no_proxy says"),
            Self::Proxy { host, port, option } => Row::ok("proxy", format!("{option} is {host}:{port}")),
            Self::Unreadable(option) => Row::fail(
                "proxy",
                format!("{option} is no URL and is ignored"),
                format!("write {option}, or the environment variable it comes from, as http://host:port"),
            ),
            Self::Socket(path) => Row::ok("proxy", format!("unix socket {}", path.display())),
        }
    }
}

/// Host and port of a proxy: `[scheme://][user:password@]host[:port][/]`.
fn address(url: &str) -> Option<(String, u16)> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let default = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        "socks4" | "socks4a" | "socks5" | "socks5h" => 1080,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (host, port) = match place.strip_prefix('[') {
        Some(v6) => v6.split_once(']')?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let port = match port.strip_prefix(':') {
        None | Some("") => default,
        Some(port) => port.parse().ok()?,
    };
    (!host.is_empty() && !host.contains(char::is_whitespace)).then(|| (host.to_owned(), port))
}

/// Whether `NO_PROXY` names `host`: `*`, a name with all below it, an address or a network.
fn is_listed(host: &str, list: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let ip = host.parse().ok();
    let entries = list.split(',').map(|entry| entry.trim().to_ascii_lowercase());
    entries.filter(|entry| !entry.is_empty()).any(|entry| match ip {
        _ if entry == "*" || entry == host => true,
        Some(ip) => is_in_network(ip, &entry),
        None => host.strip_suffix(entry.trim_start_matches('.')).is_some_and(|left| left.ends_with('.')),
    })
}

fn is_in_network(ip: IpAddr, network: &str) -> bool {
    let (base, prefix) = network.split_once('/').unwrap_or((network, "128"));
    let (Ok(base), Ok(prefix)) = (base.parse(), prefix.parse::<u32>()) else { return false };
    let (ip, base, bits) = match (ip, base) {
        (IpAddr::V4(ip), IpAddr::V4(base)) => (u128::from(ip.to_bits()), u128::from(base.to_bits()), 32),
        (IpAddr::V6(ip), IpAddr::V6(base)) => (ip.to_bits(), base.to_bits(), 128),
        _ => return false,
    };
    let host_bits = bits - prefix.min(bits);
    ip.checked_shr(host_bits).unwrap_or(0) == base.checked_shr(host_bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use sentry_core::options::HttpOptions;

    use super::*;

    #[test]
    fn hosts_and_ports_of_proxies_are_read_without_their_passwords() {
        for (url, expected) in [
            ("http://proxy:3128", Some(("proxy", 3128))),
            ("proxy:3128", Some(("proxy", 3128))),
            ("http://me:hush@proxy/", Some(("proxy", 80))),
            ("https://a@b@proxy", Some(("proxy", 443))),
            ("socks5h://[::1]:1", Some(("::1", 1))),
            ("http://[::1]", Some(("::1", 80))),
            ("ftp://proxy", None),
            ("http://", None),
            ("http://proxy:port", None),
            (",,,:;:", None),
            ("http://[::1", None),
        ] {
            let found = address(url);
            assert_eq!(found.as_ref().map(|(host, port)| (host.as_str(), *port)), expected, "{url}");
        }
    }

    #[test]
    fn no_proxy_names_hosts_suffixes_addresses_and_networks() {
        for (host, list, expected) in [
            ("sentry.corp.example", "corp.example", true),
            ("sentry.corp.example", " .corp.example ,x", true),
            ("Sentry.Corp.example", "sentry.corp.EXAMPLE", true),
            ("notcorp.example", "corp.example", false),
            ("anything", "*", true),
            ("anything", "", false),
            ("anything", ",,", false),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.1.2.3/99", true),
            ("::1", "::/0", true),
            ("::1", "10.0.0.0/0", false),
        ] {
            assert_eq!(is_listed(host, list), expected, "{host} in {list:?}");
        }
    }

    #[test]
    fn the_scheme_of_the_dsn_chooses_the_proxy() {
        let options = ClientOptions::new().http_proxy("http://plain:1").https_proxy("http://me:hush@safe:2");
        let https = options.clone().dsn("https://key@host/42");
        let route = Route::of(&https);
        assert_eq!(route.target(), Some(("safe", 2)));
        assert!(!route.row().detail.contains("hush"));
        assert_eq!(Route::of(&options.clone().dsn("http://key@host/42")).target(), Some(("plain", 1)));
        assert_eq!(Route::of(&options), Route::None);

        let no_proxy = HttpOptions { no_proxy: Some("host".into()), ..HttpOptions::default() };
        let bypassed = Route::of(&https.http(no_proxy));
        assert_eq!(
            (bypassed.target(), bypassed.row().detail.contains("no_proxy")),
            (Some(("host", 443)), true)
        );
    }
}
