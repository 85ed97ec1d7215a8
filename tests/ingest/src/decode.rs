//! Content encodings, undone with a size cap.

use std::io::{self, Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

/// What a server accepts after decompression (protocol 1.6).
pub(crate) const LIMIT: usize = 200 * 1024 * 1024;

/// Undoes `encoding`, or says in words why that is impossible.
pub(crate) fn decode(encoding: Option<&str>, raw: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let encoding = encoding.map_or_else(String::new, |name| name.trim().to_ascii_lowercase());
    let decoded = match encoding.as_str() {
        "" | "identity" => read_capped(raw, limit),
        "gzip" => read_capped(MultiGzDecoder::new(raw), limit),
        "deflate" => read_capped(ZlibDecoder::new(raw), limit),
        other => return Err(format!("content encoding {other:?} is not one this server can read")),
    };
    decoded.map_err(|error| format!("body is not valid {encoding:?}: {error}"))
}

fn read_capped(reader: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut decoded)?;
    if decoded.len() > limit {
        return Err(io::Error::other(format!("more than {limit} bytes after decompression")));
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = write::GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_supported_encoding_is_undone() {
        assert_eq!(decode(None, b"abc", 10).unwrap(), b"abc");
        assert_eq!(decode(Some("identity"), b"abc", 10).unwrap(), b"abc");
        assert_eq!(decode(Some("GZip"), &gzip(b"abc"), 10).unwrap(), b"abc");
        assert_eq!(decode(Some("deflate"), &deflate(b"abc"), 10).unwrap(), b"abc");
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let error = decode(Some("gzip"), &gzip(&vec![0; 1_000_000]), 1000).unwrap_err();
        assert!(error.contains("more than 1000 bytes"), "{error}");
    }

    #[test]
    fn cut_and_foreign_encodings_are_explained() {
        let whole = gzip(b"hello");
        assert!(decode(Some("gzip"), &whole[..whole.len() - 4], 100).is_err());
        assert!(decode(Some("br"), b"abc", 100).unwrap_err().contains("\"br\""));
    }
}
