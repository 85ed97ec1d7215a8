use std::fmt;
use std::io::{self, Write};
use std::time::SystemTime;

use super::EnvelopeHeaders;
use super::read::{ItemSlices, split_line};
use crate::protocol::{Map, Value, timestamp};

/// An envelope as bytes that are passed on as they are.
#[derive(Clone, PartialEq)]
pub(super) struct RawEnvelope {
    bytes: Vec<u8>,
    /// Where `sent_at` can be put in without anything else being changed: behind the brace that opens the headers.
    sent_at_goes: Option<usize>,
}

impl RawEnvelope {
    /// Takes `bytes`, and reads of the headers what can be read.
    pub(super) fn new(bytes: Vec<u8>) -> (Self, EnvelopeHeaders) {
        let line = split_line(&bytes).0;
        let fields = serde_json::from_slice::<Map<String, Value>>(line).unwrap_or_default();
        let brace = line.iter().position(|byte| *byte == b'{');
        // Written twice, the whole envelope would be rejected. Without fields there is either nothing to correct or
        // something that is not JSON: leave it alone.
        let sent_at_goes =
            brace.map(|at| at + 1).filter(|_| !fields.is_empty() && !fields.contains_key("sent_at"));
        let headers = serde_json::from_slice(line).unwrap_or_default();
        (Self { bytes, sent_at_goes }, headers)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, with a newline at the end, so that an item can be written behind them.
    pub(super) fn open(&mut self) -> &mut Vec<u8> {
        if self.bytes.last().is_some_and(|last| *last != b'\n') {
            self.bytes.push(b'\n');
        }
        &mut self.bytes
    }

    /// The items, as far as the bytes can be read.
    pub(super) fn items(&self) -> ItemSlices<'_> {
        ItemSlices::new(split_line(&self.bytes).1)
    }

    pub(super) fn write_to<W: Write>(&self, writer: &mut W, sent_at: Option<SystemTime>) -> io::Result<()> {
        match (sent_at, self.sent_at_goes) {
            (Some(sent_at), Some(at)) => {
                writer.write_all(&self.bytes[..at])?;
                write!(writer, "\"sent_at\":\"{}\",", timestamp::to_rfc3339(sent_at))?;
                writer.write_all(&self.bytes[at..])
            }
            _ => writer.write_all(&self.bytes),
        }
    }
}

impl fmt::Debug for RawEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.bytes.len())
    }
}
