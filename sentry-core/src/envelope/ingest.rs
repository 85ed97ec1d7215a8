//! What a server may infer from the connection that records come through.
//!
//! Logs, metrics and streamed spans travel in containers, and a container says whether the server may take address and browser
//! of whoever connects for those of an end user. Whoever connects here is a server, so it never may. That is what a container of
//! version 2 means by saying nothing, too; below version 2 the server looks at the connection whatever is said.

use serde::{Deserialize, Serialize};

/// The version of containers from which on servers obey their settings.
pub(super) const VERSION: u8 = 2;

/// How a container begins, up to its first record.
pub(crate) const BEGIN: &[u8] =
    br#"{"version":2,"ingest_settings":{"infer_ip":"never","infer_user_agent":"never"},"items":["#;

/// How it ends.
pub(crate) const END: &[u8] = b"]}";

/// The settings of a container.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IngestSettings {
    #[serde(default)]
    infer_ip: Infer,
    #[serde(default)]
    infer_user_agent: Infer,
}

/// Whether something is inferred. Nothing that this SDK writes asks for it.
#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Infer {
    #[default]
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_the_settings_are() {
        #[derive(Serialize)]
        struct Container {
            version: u8,
            ingest_settings: IngestSettings,
            items: [u8; 0],
        }
        let container = Container { version: VERSION, ingest_settings: IngestSettings::default(), items: [] };
        assert_eq!(serde_json::to_vec(&container).unwrap(), [BEGIN, END].concat());
    }

    #[test]
    fn only_settings_that_infer_nothing_are_ours() {
        let is_ours = |text: &str| serde_json::from_str::<IngestSettings>(text).is_ok();
        assert!(is_ours(r#"{"infer_ip":"never","infer_user_agent":"never"}"#) && is_ours("{}"));
        for other in [r#"{"infer_ip":"auto"}"#, r#"{"infer_user_agent":"auto"}"#, r#"{"a":"never"}"#, "1"] {
            assert!(!is_ours(other), "{other}");
        }
    }
}
