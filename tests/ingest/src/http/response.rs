//! One response, as bytes.

use std::fmt::Write as _;

use serde_json::json;

use crate::reply::Answer;

/// The whole response, ready to be written at once.
pub(crate) fn encode(answer: &Answer, event_id: Option<&str>, close: bool) -> Vec<u8> {
    let default;
    let body = match &answer.body {
        Some(body) => body.as_slice(),
        None => {
            default = default_body(answer.status, event_id);
            default.as_bytes()
        }
    };
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        // Writing to a string cannot fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if close {
        head.push_str("Connection: close\r\n");
    }
    let _ = write!(head, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn default_body(status: u16, event_id: Option<&str>) -> String {
    match (status, event_id) {
        // These never have a body; a client would take one for the start of the next answer.
        (204 | 304, _) => String::new(),
        (200..300, Some(id)) => json!({ "id": id }).to_string(),
        (200..300, None) => "{}".to_owned(),
        _ => json!({ "detail": reason(status) }).to_string(),
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Payload Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Scripted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{Action, Reply};

    fn text(reply: Reply, event_id: Option<&str>, close: bool) -> String {
        match reply.action {
            Action::Answer(answer) => String::from_utf8(encode(&answer, event_id, close)).unwrap(),
            Action::Fault(fault) => panic!("{fault:?} is not an answer"),
        }
    }

    #[test]
    fn an_accepted_event_is_answered_with_its_id() {
        assert_eq!(
            text(Reply::ok(), Some("abc"), false),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"id\":\"abc\"}"
        );
    }

    #[test]
    fn headers_body_and_close_are_written() {
        assert_eq!(
            text(Reply::rate_limited("60::key").body("x"), None, true),
            "HTTP/1.1 429 Too Many Requests\r\nX-Sentry-Rate-Limits: 60::key\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 1\r\n\r\nx"
        );
    }
}
