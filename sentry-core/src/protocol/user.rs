//! Who was affected.

use serde::{Deserialize, Serialize};

use super::{IpAddress, Map, Value};

/// A user of the application.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// Their id.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::lenient::text")]
    pub id: Option<String>,
    /// Their email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their IP address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<IpAddress>,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What else is known of them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_user_survives_the_round_trip() {
        let json = json!({
            "id": "8fd5a33b", "email": "foo@example.com", "ip_address": "{{auto}}", "username": "john",
            "geo": {"city": "Vienna"}, "plan": 3
        });
        let user: User = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(user.other["plan"], 3);
        assert_eq!(serde_json::to_value(&user).unwrap(), json);
        assert_eq!(serde_json::to_value(User::default()).unwrap(), json!({}));
    }

    #[test]
    fn a_numeric_id_becomes_text() {
        assert_eq!(serde_json::from_value::<User>(json!({"id": 7})).unwrap().id.as_deref(), Some("7"));
    }
}
