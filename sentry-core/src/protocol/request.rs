//! HTTP requests.

use serde::{Deserialize, Serialize};

use super::{Map, Url, lenient};

/// The HTTP request that was being served.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// Where it was sent to.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::url")]
    pub url: Option<Url>,
    /// Its method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Its body.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub data: Option<String>,
    /// The query, without the question mark.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub query_string: Option<String>,
    /// The `Cookie` header.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub cookies: Option<String>,
    /// The headers.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::string_map")]
    pub headers: Map<String, String>,
    /// Variables of the server; `REMOTE_ADDR` is taken as the address of the user.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::string_map")]
    pub env: Map<String, String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_request_survives_the_round_trip() {
        let json = json!({
            "url": "https://example.com/foo", "method": "POST", "data": "{}", "query_string": "a=b",
            "cookies": "dummy=42", "headers": {"x-realtime": "1"}, "env": {"REMOTE_ADDR": "127.0.0.1"}
        });
        let request: Request = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&request).unwrap(), json);
        assert_eq!(serde_json::to_value(Request::default()).unwrap(), json!({}));
    }

    #[test]
    fn other_forms_of_its_fields_are_read() {
        let request: Request = serde_json::from_value(json!({
            "url": "/relative", "data": {"a": 1}, "headers": [["Accept", "*/*"]], "cookies": null
        }))
        .unwrap();
        assert_eq!(request.url, None);
        assert_eq!(request.data.as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(request.headers["Accept"], "*/*");
    }
}
