//! An envelope to the bytes of a request body.
//!
//! The envelope writes itself into a [`Body`]. What stays small goes out as it is; everything else is gzip, compressed
//! a stage at a time, so nothing large is ever held both plain and compressed. One compressor serves all bodies of a
//! worker: building one costs five times as much as compressing an event.

use std::fmt;
use std::io::{self, Write};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bodies up to this size are sent plain: gzip would win nothing.
const THRESHOLD: usize = 1024;

/// Fixed header of RFC 1952: deflate, no flags, no time, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Plain bytes gathered before the compressor sees them: serialisers write a few bytes at a time.
const STAGE: usize = 8 * 1024;

/// Turns envelopes into bodies, one after the other.
pub(crate) struct Encoder {
    compress: Compress,
    stage: Vec<u8>,
}

/// A finished body.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// Whether they are gzip.
    pub(crate) gzip: bool,
}

impl Encoder {
    /// A new compressor.
    pub(crate) fn new() -> Self {
        // Level 1: half the bytes for a tenth of the time of level 6.
        Self { compress: Compress::new(Compression::fast(), false), stage: Vec::new() }
    }

    /// Runs `write` and returns what it wrote.
    ///
    /// # Errors
    /// What `write` failed with.
    pub(crate) fn encode(
        &mut self,
        write: impl FnOnce(&mut Body<'_>) -> io::Result<()>,
    ) -> io::Result<Encoded> {
        self.compress.reset();
        self.stage.clear();
        let mut body = Body { encoder: self, crc: Crc::new(), output: Vec::new() };
        write(&mut body)?;
        body.finish()
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

/// What an envelope writes itself into.
pub(crate) struct Body<'e> {
    encoder: &'e mut Encoder,
    crc: Crc,
    /// Empty as long as everything fits the stage.
    output: Vec<u8>,
}

impl Body<'_> {
    /// Compresses what is staged.
    fn unstage(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            self.output.extend_from_slice(&GZIP_HEADER);
        }
        let Encoder { compress, stage } = &mut *self.encoder;
        self.crc.update(stage);
        let mut input = stage.as_slice();
        while !input.is_empty() {
            self.output.reserve(input.len() / 4 + 64);
            let before = compress.total_in();
            compress.compress_vec(input, &mut self.output, FlushCompress::None)?;
            let used = usize::try_from(compress.total_in() - before).map_err(io::Error::other)?;
            input = &input[used..];
        }
        stage.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<Encoded> {
        if self.output.is_empty() && self.encoder.stage.len() <= THRESHOLD {
            return Ok(Encoded { bytes: self.encoder.stage.clone(), gzip: false });
        }
        self.unstage()?;
        loop {
            self.output.reserve(256);
            match self.encoder.compress.compress_vec(&[], &mut self.output, FlushCompress::Finish)? {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError => {}
            }
        }
        self.output.extend_from_slice(&self.crc.sum().to_le_bytes());
        self.output.extend_from_slice(&self.crc.amount().to_le_bytes());
        Ok(Encoded { bytes: self.output, gzip: true })
    }
}

impl Write for Body<'_> {
    fn write(&mut self, input: &[u8]) -> io::Result<usize> {
        let piece = &input[..input.len().min(STAGE)];
        if self.encoder.stage.len() + piece.len() > STAGE {
            self.unstage()?;
        }
        self.encoder.stage.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn unzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    /// Bytes that hardly compress, so that output buffers overflow on the way.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_u32;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        })
        .take(len)
        .collect()
    }

    #[test]
    fn small_bodies_stay_plain() {
        let mut encoder = Encoder::new();
        let encoded = encoder.encode(|w| w.write_all(&[7; THRESHOLD])).unwrap();
        assert!(!encoded.gzip);
        assert_eq!(encoded.bytes, [7; THRESHOLD]);
        assert!(encoder.encode(|_| Ok(())).unwrap().bytes.is_empty());
    }

    #[test]
    fn large_bodies_are_gzip_whatever_the_pieces() {
        let mut encoder = Encoder::new();
        for len in [THRESHOLD + 1, 5_000, 300_000] {
            for piece in [1, 7, 1_000, 1_024, 100_000] {
                for input in [noise(len), vec![b'a'; len]] {
                    let encoded = encoder
                        .encode(|w| input.chunks(piece).try_for_each(|piece| w.write_all(piece)))
                        .unwrap();
                    assert!(encoded.gzip);
                    assert_eq!(unzip(&encoded.bytes), input, "{len} bytes in pieces of {piece}");
                }
            }
        }
    }

    #[test]
    fn the_compressor_survives_a_failed_body() {
        let mut encoder = Encoder::new();
        let failed = encoder.encode(|w| {
            w.write_all(&noise(5_000))?;
            Err(io::Error::other("unserialisable"))
        });
        assert!(failed.is_err());
        let input = noise(2_000);
        let encoded = encoder.encode(|w| w.write_all(&input)).unwrap();
        assert_eq!(unzip(&encoded.bytes), input);
    }
}
