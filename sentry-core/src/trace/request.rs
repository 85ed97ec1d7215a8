//! An HTTP request as data of a span.

use crate::protocol::{Map, Request, Value};

/// Adds the parts of `request` to `data`.
pub(super) fn add_to(data: &mut Map<String, Value>, request: Request) {
    let Request { url, method, data: body, query_string, cookies, headers, env } = request;
    // A body that is JSON is shown as such.
    let body = body.map(|body| serde_json::from_str(&body).unwrap_or(Value::String(body)));
    let parts = [
        ("method", method.map(Value::from)),
        ("url", url.map(|url| Value::from(url.as_str()))),
        ("data", body),
        ("query_string", query_string.map(Value::from)),
        ("cookies", cookies.map(Value::from)),
        ("headers", object(headers)),
        ("env", object(env)),
    ];
    data.extend(parts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
}

fn object(map: Map<String, String>) -> Option<Value> {
    if map.is_empty() {
        return None;
    }
    Some(Value::Object(map.into_iter().map(|(key, value)| (key, Value::from(value))).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_known_parts_are_added() {
        let mut data = Map::new();
        add_to(&mut data, Request::default());
        assert!(data.is_empty());

        let request = Request {
            method: Some("POST".into()),
            url: "https://host/a".parse().ok(),
            data: Some("{\"a\":1}".into()),
            headers: [("h".to_owned(), "v".to_owned())].into(),
            ..Request::default()
        };
        add_to(&mut data, request);
        let json = serde_json::to_value(&data).unwrap();
        let expected =
            json!({"method": "POST", "url": "https://host/a", "data": {"a": 1}, "headers": {"h": "v"}});
        assert_eq!(json, expected);
    }
}
