//! Request bodies, by length or in chunks.

use std::io::{self, BufRead, Read};

use super::request::{ReadError, read_line};
use crate::decode::LIMIT;

/// Reads exactly `length` bytes.
pub(super) fn sized(reader: &mut impl BufRead, length: usize) -> Result<Vec<u8>, ReadError> {
    if length > LIMIT {
        return Err(ReadError::Invalid(format!("a body of {length} bytes is larger than {LIMIT}")));
    }
    let mut body = Vec::new();
    append(reader, length, &mut body)?;
    Ok(body)
}

/// Reads chunks up to the last one, and its trailers.
pub(super) fn chunked(reader: &mut impl BufRead) -> Result<Vec<u8>, ReadError> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader, &mut 1024)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else {
            return Err(ReadError::Invalid(format!("{size:?} is not a chunk size")));
        };
        if size == 0 {
            break;
        }
        if size > LIMIT || body.len() + size > LIMIT {
            return Err(ReadError::Invalid(format!("a chunked body is larger than {LIMIT} bytes")));
        }
        append(reader, size, &mut body)?;
        if !read_line(reader, &mut 2)?.is_empty() {
            return Err(ReadError::Invalid("a chunk is longer than it says".to_owned()));
        }
    }
    let mut budget = 16 * 1024;
    while !read_line(reader, &mut budget)?.is_empty() {}
    Ok(body)
}

fn append(reader: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> io::Result<()> {
    // Not reserved up front: the length is the client's word, the bytes are not there yet.
    let read = Read::take(reader, length as u64).read_to_end(body)?;
    if read < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
