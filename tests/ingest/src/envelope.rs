//! An envelope reader written from the grammar in protocol 1.1, and from nothing else.

use std::{borrow::Cow, fmt};

use serde_json::Value;

/// One envelope as it came over the wire.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Envelope {
    /// The first line. With duplicate keys, the last one wins here; see [`Envelope::header_keys`].
    pub headers: Value,
    /// Every key of the first line in order of appearance, duplicates included.
    pub header_keys: Vec<String>,
    /// The items in order.
    pub items: Vec<Item>,
}

/// One item of an [`Envelope`].
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Item {
    /// The item header line.
    pub headers: Value,
    /// The raw payload.
    pub payload: Vec<u8>,
}

/// Why some bytes are not an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl Envelope {
    /// Reads a decoded request body.
    ///
    /// ```
    /// let envelope = ingest::Envelope::parse(b"{}\n{\"type\":\"attachment\",\"length\":3}\na\nb\n")?;
    /// assert_eq!(envelope.items[0].kind(), "attachment");
    /// assert_eq!(envelope.items[0].payload, b"a\nb");
    /// assert!(ingest::Envelope::parse(b"{}\n{\"type\":\"event\",\"length\":9}\n{}").is_err());
    /// # Ok::<(), ingest::Malformed>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the bytes do not follow the grammar.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let (line, mut rest) = split_line(body);
        let headers = header(line, "envelope header")?;
        let header_keys = top_level_keys(line);
        let mut items = Vec::new();
        while let Some(remaining) = rest.filter(|bytes| !bytes.is_empty()) {
            let (item, after) = Item::parse(remaining, items.len())?;
            items.push(item);
            rest = after;
        }
        Ok(Self { headers, header_keys, items })
    }

    /// The `event_id` header.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.headers["event_id"].as_str()
    }

    /// The items of one type.
    pub fn items_of<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a Item> {
        self.items.iter().filter(move |item| item.kind() == kind)
    }
}

impl Item {
    /// Reads one item; what is left starts at the next item, or is `None` at the end.
    fn parse(bytes: &[u8], index: usize) -> Result<(Self, Option<&[u8]>), Malformed> {
        let (line, after_header) = split_line(bytes);
        let headers = header(line, &format!("header of item {index}"))?;
        let (payload, rest) = match headers.get("length") {
            None => match after_header {
                None => (&[][..], None),
                Some(after) => split_line(after),
            },
            Some(length) => sized_payload(length, after_header.unwrap_or_default(), index)?,
        };
        Ok((Self { headers, payload: payload.to_vec() }, rest))
    }

    /// The `type` header, empty when there is none.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.headers["type"].as_str().unwrap_or_default()
    }

    /// The payload as JSON, `null` when it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_default()
    }

    /// The payload as text, for messages.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.payload)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("headers", &self.headers).field("payload", &self.text()).finish()
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

fn sized_payload<'a>(
    length: &Value,
    bytes: &'a [u8],
    index: usize,
) -> Result<(&'a [u8], Option<&'a [u8]>), Malformed> {
    let Some(length) = length.as_u64().and_then(|length| usize::try_from(length).ok()) else {
        return Err(Malformed(format!("length of item {index} is {length}, not a byte count")));
    };
    let Some((payload, rest)) = bytes.split_at_checked(length) else {
        return Err(Malformed(format!("item {index} promises {length} bytes, {} are left", bytes.len())));
    };
    match rest.split_first() {
        None => Ok((payload, None)),
        Some((b'\n', rest)) => Ok((payload, Some(rest))),
        Some((byte, _)) => Err(Malformed(format!(
            "payload of item {index} is followed by {:?}, not by a newline",
            char::from(*byte)
        ))),
    }
}

/// The bytes up to the next newline, and those after it if there is one.
fn split_line(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], Some(&bytes[end + 1..])),
        None => (bytes, None),
    }
}

fn header(line: &[u8], what: &str) -> Result<Value, Malformed> {
    // serde_json forgives what the grammar does not: a CR or a blank around the object.
    if line.first() != Some(&b'{') || line.last() != Some(&b'}') {
        let line = String::from_utf8_lossy(&line[..line.len().min(80)]);
        return Err(Malformed(format!("{what} is not a JSON object on a line of its own: {line:?}")));
    }
    serde_json::from_slice(line).map_err(|error| Malformed(format!("{what} is not valid JSON: {error}")))
}

/// The keys of a JSON object with duplicates, which a JSON parser would merge. `line` is valid JSON.
fn top_level_keys(line: &[u8]) -> Vec<String> {
    let mut keys = Vec::new();
    let (mut depth, mut expects_key, mut at) = (0_usize, false, 0);
    while let Some(byte) = line.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                expects_key = depth == 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => expects_key = depth == 1,
            b'"' => {
                let end = string_end(line, at);
                if std::mem::take(&mut expects_key) {
                    keys.extend(serde_json::from_slice::<String>(&line[at..end]));
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    keys
}

/// The position after the closing quote of the string that starts at `start`.
fn string_end(line: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = line.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        Envelope::parse(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn items_keep_their_bytes_with_and_without_length() {
        let body = "{}\n{\"type\":\"a\",\"length\":4}\n\n\r\n\n\n{\"type\":\"b\"}\nto the end\n{\"type\":\"c\",\"length\":0}\n";
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let payloads: Vec<_> = envelope.items.iter().map(|item| item.text().into_owned()).collect();
        assert_eq!(payloads, ["\n\r\n\n", "to the end", ""]);
    }

    #[test]
    fn the_trailing_newline_is_optional() {
        for end in ["", "\n"] {
            let body = format!("{{}}\n{{\"type\":\"a\",\"length\":2}}\n{{}}{end}");
            assert_eq!(Envelope::parse(body.as_bytes()).unwrap().items.len(), 1);
        }
    }

    #[test]
    fn an_envelope_without_items_parses_and_an_item_without_payload_too() {
        assert_eq!(Envelope::parse(b"{}").unwrap().items, []);
        assert_eq!(Envelope::parse(b"{}\n").unwrap().items, []);
        assert_eq!(Envelope::parse(b"{}\n{\"type\":\"a\"}").unwrap().items[0].payload, b"");
    }

    #[test]
    fn duplicate_header_keys_stay_visible() {
        let body =
            br#"{"sent_at":"a","sdk":{"sent_at":"no","x":["sent_at",{"y":1}]},"q\"":",","sent_at":"b"}"#;
        assert_eq!(Envelope::parse(body).unwrap().header_keys, ["sent_at", "sdk", "q\"", "sent_at"]);
    }

    #[test]
    fn broken_envelopes_are_explained() {
        assert!(error("").contains("envelope header"));
        assert!(error("[]\n").contains("envelope header"));
        assert!(error("{}\r\n").contains("envelope header"));
        assert!(error("{\"a\":}\n").contains("not valid JSON"));
        assert!(error("{}\n\n").contains("header of item 0"));
        assert!(error("{}\n{\"type\":\"a\",\"length\":5}\nabc").contains("promises 5 bytes, 3 are left"));
        assert!(error("{}\n{\"type\":\"a\",\"length\":1}\nabc").contains("followed by 'b'"));
        assert!(error("{}\n{\"type\":\"a\",\"length\":-1}\nabc").contains("not a byte count"));
        assert!(error("{}\n{\"type\":\"a\",\"length\":1}\na\n\n").contains("header of item 1"));
    }
}
