//! The HTTP side of an ingestion request (protocol 1.7).

use std::collections::BTreeMap;

use crate::{PROJECT, PUBLIC_KEY, http::Request};

/// Checks everything but the body.
pub(crate) fn check(request: &Request, problems: &mut Vec<String>) {
    let path = format!("/api/{PROJECT}/envelope/");
    if request.method != "POST" || request.path != path {
        problems.push(format!("{} {} instead of POST {path}", request.method, request.path));
    }
    if request.header("Content-Type") != Some("application/x-sentry-envelope") {
        let found = request.header("Content-Type");
        problems.push(format!("Content-Type is {found:?}, not application/x-sentry-envelope"));
    }
    if !request.header("User-Agent").is_some_and(is_client) {
        problems.push(format!("User-Agent is {:?}, not name/version", request.header("User-Agent")));
    }
    if request.header("Host").is_none() {
        problems.push("Host is missing".to_owned());
    }
    match request.header_values("X-Sentry-Auth").collect::<Vec<_>>().as_slice() {
        [] => problems.push("X-Sentry-Auth is missing".to_owned()),
        [value] => auth(value, problems),
        _ => problems.push("X-Sentry-Auth is there more than once".to_owned()),
    }
}

fn auth(value: &str, problems: &mut Vec<String>) {
    let Some(fields) = value.strip_prefix("Sentry ").and_then(parse_fields) else {
        problems.push("X-Sentry-Auth is not `Sentry key=value, …`".to_owned());
        return;
    };
    if fields.get("sentry_version") != Some(&"7") {
        problems
            .push(format!("sentry_version in X-Sentry-Auth is {:?}, not 7", fields.get("sentry_version")));
    }
    if fields.get("sentry_key") != Some(&PUBLIC_KEY) {
        problems.push("sentry_key in X-Sentry-Auth is not the key of the DSN".to_owned());
    }
    if !fields.get("sentry_client").is_some_and(|client| is_client(client)) {
        problems.push(format!(
            "sentry_client in X-Sentry-Auth is {:?}, not name/version",
            fields.get("sentry_client")
        ));
    }
    for unknown in fields.keys().filter(|key| !AUTH_KEYS.contains(key)) {
        problems.push(format!("{unknown} in X-Sentry-Auth is not a key of the protocol"));
    }
}

const AUTH_KEYS: [&str; 3] = ["sentry_client", "sentry_key", "sentry_version"];

/// `None` when a part is no pair or a key comes twice.
fn parse_fields(text: &str) -> Option<BTreeMap<&str, &str>> {
    let mut fields = BTreeMap::new();
    for part in text.split(',') {
        let (key, value) = part.trim().split_once('=')?;
        if fields.insert(key, value).is_some() {
            return None;
        }
    }
    Some(fields)
}

/// `name/version`, possibly followed by more of them.
fn is_client(text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    first.split_once('/').is_some_and(|(name, version)| !name.is_empty() && !version.is_empty())
}
