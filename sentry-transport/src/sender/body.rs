//! What a request carries: bytes, or an envelope in pieces that is read while it is sent.
//!
//! ```text
//! Opened::into_pieces ─► Stream ─► BodyReader ─► socket          Watch: how far it is, and whether a file broke it
//! ```
//!
//! A file that ends before its announced length ends the body with an error. The sender has to give up the request then;
//! nothing else would keep the server from taking what it has for an envelope.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sentry_core::envelope::Piece;

/// The body of a request.
#[derive(Clone)]
pub(super) enum Body {
    Bytes(Vec<u8>),
    Stream(Stream),
}

/// An envelope in pieces, of a length that is known.
#[derive(Clone)]
pub(crate) struct Stream {
    /// Read once, by whoever comes first.
    reader: Arc<Mutex<Option<BodyReader>>>,
    length: u64,
    resident: usize,
    watch: Arc<Watch>,
}

/// How the sending of a stream gets on.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    sent: AtomicU64,
    /// The number of the item that could not be read to its end, counted from 1.
    broken: AtomicUsize,
}

impl Watch {
    /// How many bytes have been read from it.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The item whose file could not be read as it was announced.
    pub(crate) fn broken(&self) -> Option<usize> {
        self.broken.load(Ordering::Acquire).checked_sub(1)
    }
}

impl Stream {
    pub(crate) fn new(pieces: Vec<Piece>) -> Self {
        let watch = Arc::default();
        let reader = BodyReader { pieces: pieces.into(), offset: 0, watch: Some(Arc::clone(&watch)) };
        let (length, resident) = (reader.left(), reader.resident());
        Self { reader: Arc::new(Mutex::new(Some(reader))), length, resident, watch }
    }

    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    fn take(&self) -> BodyReader {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Of a copy of the request: what this one has read is gone.
        reader.unwrap_or_else(|| BodyReader { pieces: VecDeque::new(), offset: 0, watch: None })
    }
}

impl Body {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream(stream) => stream.length,
        }
    }

    /// How many bytes of it are in memory.
    pub(super) fn resident(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Stream(stream) => stream.resident,
        }
    }

    pub(super) fn into_reader(self) -> BodyReader {
        match self {
            Self::Bytes(bytes) => {
                BodyReader { pieces: VecDeque::from([Piece::Bytes(bytes)]), offset: 0, watch: None }
            }
            Self::Stream(stream) => stream.take(),
        }
    }
}

/// The bytes of a request, one after the other.
///
/// An error means that the request must be given up: what was read so far is no envelope.
pub struct BodyReader {
    pieces: VecDeque<Piece>,
    /// Within the first piece, if that is bytes.
    offset: usize,
    watch: Option<Arc<Watch>>,
}

impl BodyReader {
    /// How many bytes are left to be read.
    #[must_use]
    pub fn left(&self) -> u64 {
        let left = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::Content { content, .. } => content.left(),
            _ => 0,
        };
        self.pieces.iter().map(left).sum::<u64>() - self.offset as u64
    }

    fn resident(&self) -> usize {
        let resident = |piece: &Piece| if let Piece::Bytes(bytes) = piece { bytes.len() } else { 0 };
        self.pieces.iter().map(resident).sum()
    }

    /// The item at hand breaks the envelope.
    fn broken(&self, item: usize, error: io::Error) -> io::Error {
        if let Some(watch) = &self.watch {
            watch.broken.store(item + 1, Ordering::Release);
        }
        error
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let count = match self.pieces.front_mut() {
                None => return Ok(0),
                Some(Piece::Bytes(bytes)) => {
                    let count = bytes[self.offset..].as_ref().read(buffer)?;
                    self.offset += count;
                    count
                }
                Some(Piece::Content { item, content }) if content.left() > 0 => {
                    let item = *item;
                    match content.read(buffer) {
                        Ok(0) => {
                            let shrank = io::Error::new(
                                io::ErrorKind::UnexpectedEof,
                                "a file became shorter while it was sent",
                            );
                            return Err(self.broken(item, shrank));
                        }
                        Ok(count) => count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Err(error) => return Err(self.broken(item, error)),
                    }
                }
                Some(_) => 0,
            };
            if count > 0 {
                if let Some(watch) = &self.watch {
                    watch.sent.fetch_add(count as u64, Ordering::Relaxed);
                }
                return Ok(count);
            }
            self.pieces.pop_front();
            self.offset = 0;
        }
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader").field("left", &self.left()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::PathBuf;

    use sentry_core::protocol::{Envelope, Event, FileAttachment};

    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str, length: u64) -> Self {
            let path = std::env::temp_dir().join(format!("sentry-body-{}-{name}", std::process::id()));
            File::create(&path).unwrap().set_len(length).unwrap();
            Self(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn stream(envelope: &Envelope) -> Stream {
        let (pieces, written) = envelope.open().unwrap().into_pieces(&mut Vec::new()).unwrap();
        assert_eq!(written.losses, []);
        Stream::new(pieces)
    }

    #[test]
    fn a_stream_is_the_envelope_byte_by_byte() {
        let (one, empty) = (Place::new("one", 100_000), Place::new("empty", 0));
        let mut envelope = Envelope::from(Event::default());
        for path in [&one.0, &empty.0, &one.0] {
            envelope.add_item(FileAttachment::new(path));
        }
        let mut whole = Vec::new();
        envelope.to_writer(&mut whole).unwrap();
        let stream = stream(&envelope);
        let (watch, length) = (Arc::clone(stream.watch()), stream.length);
        let body = Body::Stream(stream);
        assert_eq!((body.length(), length), (whole.len() as u64, whole.len() as u64));
        assert!(body.resident() < 3_000, "{}", body.resident());
        let mut copy = body.clone().into_reader();
        assert_eq!(body.into_reader().left(), 0, "it is read once");
        let (mut read, mut piece) = (Vec::new(), [0; 777]);
        while let count @ 1.. = copy.read(&mut piece).unwrap() {
            read.extend_from_slice(&piece[..count]);
            assert_eq!(copy.left() + read.len() as u64, length);
        }
        assert_eq!(read, whole);
        assert_eq!((watch.sent(), watch.broken()), (length, None));
    }

    #[test]
    fn a_file_that_shrinks_ends_the_body_with_an_error_and_is_named() {
        let (good, bad) = (Place::new("good", 10), Place::new("bad", 100_000));
        let mut envelope = Envelope::from(Event::default());
        envelope.add_item(FileAttachment::new(&good.0));
        envelope.add_item(FileAttachment::new(&bad.0));
        let stream = stream(&envelope);
        let watch = Arc::clone(stream.watch());
        fs::OpenOptions::new().write(true).open(&bad.0).unwrap().set_len(5).unwrap();
        let error = io::copy(&mut Body::Stream(stream).into_reader(), &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(watch.broken(), Some(2));
    }
}
