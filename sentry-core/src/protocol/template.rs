//! Errors within templates.

use serde::{Deserialize, Serialize};

use super::lenient;

/// The place in a template where an error happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplateInfo {
    /// The file, as short as it is still clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The path of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abs_path: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineno: Option<u64>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colno: Option<u64>,
    /// The lines before.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub pre_context: Vec<String>,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_line: Option<String>,
    /// The lines after.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub post_context: Vec<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_survives_the_round_trip() {
        let json = json!({
            "filename": "hello.html", "abs_path": "/app/hello.html", "lineno": 7, "colno": 42,
            "pre_context": ["a"], "context_line": "b", "post_context": ["c"]
        });
        let template: TemplateInfo = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&template).unwrap(), json);
        assert_eq!(serde_json::to_value(TemplateInfo::default()).unwrap(), json!({}));
    }
}
