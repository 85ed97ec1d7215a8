//! An envelope taken apart by the grammar (protocol.md 1.1), its JSON masked, put together again.

use crate::json::Json;
use crate::mask::Mask;

/// The envelope as its golden file has it: values that differ from run to run are others, but the same in every run.
pub(crate) fn masked(body: &[u8], mask: &mut Mask) -> Vec<u8> {
    let (line, mut rest) = split(body);
    let mut headers = Json::read(line);
    mask.apply(&mut headers);
    let mut out = headers.to_string().into_bytes();
    while !rest.is_empty() {
        let (line, after) = split(rest);
        let mut headers = Json::read(line);
        let length = headers.get_mut("length").expect("an item has a length").to_string();
        let (payload, after) = after.split_at(length.parse().expect("a number"));
        rest = after.strip_prefix(b"\n").unwrap_or(after);
        assert!(after.is_empty() || rest.len() < after.len(), "a payload ends with its line");
        let is_file =
            headers.get_mut("type").and_then(|kind| kind.as_text().map(|kind| kind == "attachment"));
        let description = headers.get_mut("meta_length").map(|length| length.to_string());
        let payload = if let Some(length) = description {
            // A file with a description before it.
            let (description, file) = payload.split_at(length.parse().expect("a number"));
            let mut description = Json::read(description);
            mask.apply(&mut description);
            let description = description.to_string();
            if let Some(length) = headers.get_mut("meta_length") {
                *length = Json::Scalar(description.len().to_string());
            }
            [description.as_bytes(), file].concat()
        } else if is_file == Some(true) {
            payload.to_vec()
        } else {
            let mut payload = Json::read(payload);
            mask.apply(&mut payload);
            payload.to_string().into_bytes()
        };
        if let Some(length) = headers.get_mut("length") {
            *length = Json::Scalar(payload.len().to_string());
        }
        mask.apply(&mut headers);
        out.push(b'\n');
        out.extend(headers.to_string().bytes());
        out.push(b'\n');
        out.extend(payload);
    }
    out.push(b'\n');
    out
}

fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}
