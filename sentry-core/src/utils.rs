//! Rules for what must not leave the process, shared by integrations.

use std::borrow::Cow;

use url::{Url, form_urlencoded};

pub use crate::nesting::take_apart;

/// What stands in the place of a value that was taken out.
const FILTERED: &str = "[Filtered]";

/// Parts of names whose values are secret, wherever they stand.
pub(crate) const SECRET: &[&str] = &[
    "auth",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "key",
    "jwt",
    "bearer",
    "sso",
    "saml",
    "csrf",
    "xsrf",
    "credentials",
    "session",
    "sid",
    "identity",
];

/// Parts of names of headers that tell who somebody is.
const PERSONAL: &[&str] = &["cookie", "forwarded", "-ip", "remote-", "via", "-user"];

/// Whether the header `name` holds a secret or personal data.
///
/// Parts of names count, upper and lower case do not, and `_` is as good as `-`.
///
/// ```
/// use sentry_core::utils::is_sensitive_header;
///
/// assert!(is_sensitive_header("X-Api-Key"));
/// assert!(!is_sensitive_header("Content-Type"));
/// ```
#[must_use]
pub fn is_sensitive_header(name: &str) -> bool {
    SECRET.iter().chain(PERSONAL).any(|term| contains(name, term))
}

/// Takes credentials and the values of secret query parameters out of `url`. The rest stays as it is.
///
/// ```
/// use sentry_core::utils::scrub_pii_from_url;
///
/// let url = "https://host/path?token=abc&page=2".parse()?;
/// assert_eq!(scrub_pii_from_url(url).as_str(), "https://host/path?token=[Filtered]&page=2");
/// # Ok::<(), url::ParseError>(())
/// ```
#[must_use]
pub fn scrub_pii_from_url(mut url: Url) -> Url {
    // Both setters only fail for URLs without a host, which have neither.
    if !url.username().is_empty() {
        let _ = url.set_username(FILTERED);
    }
    if url.password().is_some() {
        let _ = url.set_password(Some(FILTERED));
    }
    if let Some(Cow::Owned(query)) = url.query().map(scrub_pairs) {
        url.set_query(Some(&query));
    }
    // OAuth answers with tokens behind the `#`.
    if let Some(Cow::Owned(fragment)) = url.fragment().map(scrub_pairs) {
        url.set_fragment(Some(&fragment));
    }
    url
}

/// Replaces the values of secret keys in `key=value&…`; borrowed when there are none.
fn scrub_pairs(pairs: &str) -> Cow<'_, str> {
    scrub_separated(pairs, '&', |pair| match pair.split_once('=') {
        Some((key, _)) if is_secret(key) => Cow::Owned(format!("{key}={FILTERED}")),
        // Some servers separate by `;`.
        _ if pair.contains(';') => scrub_separated(pair, ';', |pair| match pair.split_once('=') {
            Some((key, _)) if is_secret(key) => Cow::Owned(format!("{key}={FILTERED}")),
            _ => Cow::Borrowed(pair),
        }),
        _ => Cow::Borrowed(pair),
    })
}

fn scrub_separated<'a>(
    text: &'a str,
    separator: char,
    scrub: impl Fn(&'a str) -> Cow<'a, str>,
) -> Cow<'a, str> {
    let parts: Vec<_> = text.split(separator).map(scrub).collect();
    if parts.iter().all(|part| matches!(part, Cow::Borrowed(_))) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(parts.join(separator.encode_utf8(&mut [0; 4])))
}

fn is_secret(key: &str) -> bool {
    // Decoded, or `t%6Fken` would pass.
    form_urlencoded::parse(key.as_bytes()).any(|(key, _)| SECRET.iter().any(|term| contains(&key, term)))
}

/// `name.contains(term)` without a copy of `name`; `term` is in lower case with dashes.
pub(crate) fn contains(name: &str, term: &str) -> bool {
    let same = |(name, term): (&u8, &u8)| match name {
        b'_' => *term == b'-',
        name => name.to_ascii_lowercase() == *term,
    };
    name.as_bytes().windows(term.len()).any(|window| window.iter().zip(term.as_bytes()).all(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub(url: &str) -> String {
        scrub_pii_from_url(url.parse().unwrap()).to_string()
    }

    #[test]
    fn secret_and_personal_headers_are_sensitive() {
        for name in [
            "Authorization",
            "PROXY-AUTHORIZATION",
            "cookie",
            "Set-Cookie",
            "X-Forwarded-For",
            "x_real_ip",
            "X-Api-Key",
            "HTTP_X_API_KEY",
            "x-csrftoken",
            "X-Amz-Security-Token",
            "Forwarded",
            "Via",
            "Remote-Addr",
            "X-User-Id",
            "my-SeSsIoN",
            "REMOTE_ADDR",
        ] {
            assert!(is_sensitive_header(name), "{name}");
        }
        for name in ["", "Accept", "Content-Type", "Host", "User-Agent", "x", "ä🦀", "Zip"] {
            assert!(!is_sensitive_header(name), "{name}");
        }
    }

    #[test]
    fn credentials_are_taken_out() {
        assert_eq!(scrub("https://user:pass@host/p"), "https://%5BFiltered%5D:%5BFiltered%5D@host/p");
        assert_eq!(scrub("https://user@host/"), "https://%5BFiltered%5D@host/");
        assert_eq!(scrub("https://:pass@host/"), "https://:%5BFiltered%5D@host/");
    }

    #[test]
    fn secret_parameters_are_taken_out_and_the_rest_stays() {
        for (query, expected) in [
            ("page=2&x=%20+%C3%A4", "page=2&x=%20+%C3%A4"),
            ("access_token=abc&page=2", "access_token=[Filtered]&page=2"),
            ("PASSWORD=a=b;c&&=&q", "PASSWORD=[Filtered]&&=&q"),
            ("t%6Fken=x", "t%6Fken=[Filtered]"),
            ("a=1;token=x;b=2", "a=1;token=[Filtered];b=2"),
            ("user[api_key]=x", "user[api_key]=[Filtered]"),
            ("token", "token"),
            ("", ""),
        ] {
            assert_eq!(scrub(&format!("https://host/?{query}")), format!("https://host/?{expected}"));
            assert_eq!(scrub(&format!("https://host/#{query}")), format!("https://host/#{expected}"));
        }
    }

    #[test]
    fn urls_without_any_of_it_are_unchanged() {
        for url in
            ["https://host/token/secret", "mailto:me@example.com", "data:text/plain,token=1", "unix:/run/x"]
        {
            assert_eq!(scrub(url), url);
        }
    }
}
