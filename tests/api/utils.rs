//! `sentry::utils`: what integrations ask before they write something down.

use sentry::protocol::Url;
use sentry::utils::{is_sensitive_header, scrub_pii_from_url};

const _: fn(&str) -> bool = is_sensitive_header;
const _: fn(Url) -> Url = scrub_pii_from_url;

#[test]
fn credentials_are_sensitive() {
    assert!(is_sensitive_header("Authorization") && is_sensitive_header("cookie"));
    assert!(!is_sensitive_header("Accept"));
    let url = scrub_pii_from_url("https://me:secret@example.com/path".parse().expect("a URL"));
    assert!(!url.as_str().contains("secret") && url.path() == "/path");
}
