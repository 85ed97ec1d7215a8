//! JSON as it stands: the order of keys, keys that are there twice, and numbers as they were written.

use std::fmt::Write as _;

/// A value, and for what is no container its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    Scalar(String),
}

impl Json {
    /// Reads what has to be compact JSON, and written back is the same.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("JSON is UTF-8");
        let mut rest = text;
        let json = Self::take(&mut rest);
        assert!(rest.is_empty(), "JSON ends before {rest:.80}");
        assert_eq!(json.to_string(), text, "compact JSON");
        json
    }

    fn take(rest: &mut &str) -> Self {
        match rest.as_bytes().first() {
            Some(b'{') => Self::Object(entries(rest, '}', |rest| {
                let key = text(rest);
                skip(rest, ':');
                (key, Self::take(rest))
            })),
            Some(b'[') => Self::List(entries(rest, ']', Self::take)),
            Some(b'"') => Self::Scalar(text(rest)),
            _ => {
                let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
                Self::Scalar(cut(rest, end))
            }
        }
    }

    /// What stands under this key; nothing in what is no object.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(name, _)| name.trim_matches('"') == key).map(|(_, value)| value)
    }

    /// The same, to be changed in place.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter_mut().find(|(name, _)| name.trim_matches('"') == key).map(|(_, value)| value)
    }

    /// The text between the quotes, if it is a string.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) => text.strip_prefix('"')?.strip_suffix('"'),
            _ => None,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::List(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    value.write(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    let _ = write!(out, "{comma}{key}:");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

fn entries<T>(rest: &mut &str, end: char, entry: impl Fn(&mut &str) -> T) -> Vec<T> {
    cut(rest, 1);
    let mut entries = Vec::new();
    while !rest.starts_with(end) {
        if !entries.is_empty() {
            skip(rest, ',');
        }
        entries.push(entry(rest));
    }
    cut(rest, 1);
    entries
}

/// A string, quotes included.
fn text(rest: &mut &str) -> String {
    let mut is_escaped = true;
    let end = rest.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    cut(rest, end.expect("a string ends") + 1)
}

fn skip(rest: &mut &str, expected: char) {
    assert!(rest.starts_with(expected), "{expected:?} before {rest:.80}");
    cut(rest, expected.len_utf8());
}

fn cut(rest: &mut &str, end: usize) -> String {
    let (start, after) = rest.split_at(end);
    *rest = after;
    start.to_owned()
}

#[test]
fn json_is_kept_as_it_stands() {
    let text = r#"{"b":1.50,"a":[true,null,"\"\\",{}],"b":-1e3,"ü":[]}"#;
    let mut json = Json::read(text.as_bytes());
    assert_eq!(json.to_string(), text);
    assert_eq!(json.get_mut("ü"), Some(&mut Json::List(Vec::new())));
}
