//! The envelope in a request, as it was before it was compressed.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::read::GzDecoder;
use sentry_core::Envelope;

use super::Request;

/// What a server takes after decompression; nothing larger is ever sent.
const MAX_BYTES: u64 = 200 * 1024 * 1024;

impl Request {
    /// The envelope in the body, decompressed and read: for senders that want to know what they carry.
    ///
    /// # Errors
    /// When the body is no envelope. Those that come from the worker always are.
    pub fn envelope(&self) -> io::Result<Envelope> {
        Envelope::from_slice(&bytes(self)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// The bytes of the envelope in `request`.
///
/// # Errors
/// When its gzip is broken.
pub(super) fn bytes(request: &Request) -> io::Result<Cow<'_, [u8]>> {
    if !request.headers().any(|(name, value, _)| name == "content-encoding" && value == "gzip") {
        return Ok(Cow::Borrowed(request.body()));
    }
    let mut bytes = Vec::new();
    GzDecoder::new(request.body()).take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Cow::Owned(bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::encode::Encoder;

    #[test]
    fn both_kinds_of_bodies_are_read() {
        for text in ["short".to_owned(), "long ".repeat(1_000)] {
            let encoded = Encoder::new().encode(|body| body.write_all(text.as_bytes())).unwrap();
            let mut request = Request::new("http://host/", encoded.bytes);
            if encoded.gzip {
                request = request.with_header("content-encoding", "gzip");
            }
            assert_eq!(&*bytes(&request).unwrap(), text.as_bytes());
        }
        let broken =
            Request::new("http://host/", b"no gzip".to_vec()).with_header("content-encoding", "gzip");
        assert!(bytes(&broken).is_err() && broken.envelope().is_err());
    }
}
