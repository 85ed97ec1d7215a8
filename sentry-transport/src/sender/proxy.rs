//! Whether a proxy stands between us and the server, for the senders whose clients each read `NO_PROXY` in a way of their
//! own.

use std::net::IpAddr;

use sentry_core::types::Scheme;
use sentry_core::{TransportOptions, diagnostics};

/// The proxy for the server of the DSN, unless that is exempt. One that cannot be used is left out, loudly.
pub(super) fn choose<'o>(options: &'o TransportOptions, schemes: &[&str]) -> Option<&'o str> {
    let url = match options.dsn.scheme() {
        Scheme::Http => options.http_proxy.as_deref(),
        Scheme::Https => options.https_proxy.as_deref(),
    }?;
    if options.http.no_proxy.as_deref().is_some_and(|list| is_exempt(list, options.dsn.host())) {
        return None;
    }
    if !is_usable(url, schemes) {
        complain();
        return None;
    }
    Some(url)
}

/// Its URL may hold a password.
pub(super) fn complain() {
    diagnostics::warn_once("proxy", || "a proxy URL is invalid or not supported and was ignored".into());
}

/// Whether `host` is in a list of names, `.suffixes`, addresses, networks and `*`. A name stands for what is below it too.
fn is_exempt(list: &str, host: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let mut entries = list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.any(|entry| match address {
        _ if entry == "*" => true,
        Some(address) => is_in_network(entry, address),
        None => {
            let name = entry.trim_start_matches('*').trim_matches('.').to_ascii_lowercase();
            let above = host.strip_suffix(&*name);
            !name.is_empty() && above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
    })
}

/// Whether `address` is `entry`, or in the network that it is: `10.0.0.0/8`.
fn is_in_network(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (entry, Some(u32::MAX)),
    };
    let (Ok(network), Some(bits)) = (network.trim_matches(['[', ']']).parse::<IpAddr>(), bits) else {
        return false;
    };
    let differs = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            u128::from(u32::from(network) ^ u32::from(address)) << 96
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => u128::from(network) ^ u128::from(address),
        _ => return false,
    };
    differs.leading_zeros() >= bits.min(if network.is_ipv4() { 32 } else { 128 })
}

/// Whether `url` names a host, and how to speak to it.
fn is_usable(url: &str, schemes: &[&str]) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (host, "0"),
    };
    let is_name = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<IpAddr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')),
    };
    is_name && port.parse::<u16>().is_ok() && schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_exempt_by_name_suffix_address_or_network() {
        for (list, host) in [
            ("*", "anything"),
            ("localhost, .internal.example", "eu.internal.example"),
            (".internal.example", "internal.example"),
            ("*.internal.example", "eu.internal.example"),
            ("example.com", "Sentry.Example.COM."),
            ("10.1.2.3", "10.1.2.3"),
            ("10.0.0.0/8,192.168.0.0/16", "192.168.7.1"),
            ("[::1]", "[::1]"),
            ("fd00::/8", "[fd12::1]"),
            ("0.0.0.0/0", "1.2.3.4"),
        ] {
            assert!(is_exempt(list, host), "{list} {host}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_not_exempt() {
        for (list, host) in [
            ("", "host"),
            (",,.,*.", "host"),
            ("example.com", "notexample.com"),
            ("eu.example.com", "example.com"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.0.0.0/33x", "10.0.0.1"),
            ("0.1", "10.0.0.1"),
            ("fd00::/8", "10.0.0.1"),
            ("1.2.3.4/32", "1.2.3.5"),
        ] {
            assert!(!is_exempt(list, host), "{list} {host}");
        }
    }

    #[test]
    fn a_proxy_needs_a_host_and_a_protocol_that_is_spoken() {
        let schemes = ["http", "https"];
        for url in
            ["http://proxy:3128", "proxy", "proxy:1", "HTTPS://user:pa%40ss@proxy/", "http://[::1]:8080"]
        {
            assert!(is_usable(url, &schemes), "{url}");
        }
        for url in
            ["", "::not a url::", "http://", "http://:1", "socks5://proxy", "http://proxy:port", "[x]:1"]
        {
            assert!(!is_usable(url, &schemes), "{url}");
        }
    }
}
