//! The SDK that sends the data.

use serde::{Deserialize, Serialize};

/// The SDK that sends the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientSdkInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The names of the integrations in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub integrations: Vec<String>,
    /// The packages it was installed as.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<ClientSdkPackage>,
}

/// A package of an SDK.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientSdkPackage {
    /// Its name, with the registry in front: `cargo:sentry`.
    pub name: String,
    /// Its version.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sdk_info_survives_the_round_trip() {
        for json in [
            json!({"name": "sentry.rust", "version": "1.0.0"}),
            json!({
                "name": "sentry.rust", "version": "1.0.0", "integrations": ["panic"],
                "packages": [{"name": "cargo:sentry", "version": "1.0.0"}]
            }),
        ] {
            let info: ClientSdkInfo = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(&info).unwrap(), json);
        }
    }
}
