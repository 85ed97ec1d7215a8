//! Numbers and byte strings in a fixed piece of memory. Nothing here allocates or panics: a crash is written with it.

/// Writes one value after the other; what does not fit is left out, and so is all that follows.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, at: 0 }
    }

    /// How much has been written.
    pub(crate) fn len(&self) -> usize {
        self.at
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let place = self.at.checked_add(bytes.len()).and_then(|end| self.buffer.get_mut(self.at..end));
        match place {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.at = self.buffer.len(),
        }
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.raw(&number.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.raw(&number.to_le_bytes());
    }
}

/// Reads what a `Writer` has written.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn raw(&mut self, count: usize) -> Option<&'a [u8]> {
        let (raw, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(raw)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.raw(4)?.try_into().ok()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.raw(8)?.try_into().ok()?))
    }
}

/// Tells whether bytes are what was written. FNV-1a; never 0.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_no_more() {
        let mut memory = [0_u8; 40];
        let mut writer = Writer::new(&mut memory);
        writer.u32(7);
        writer.u64(u64::MAX);
        writer.raw(b"name");
        let len = writer.len();
        let mut reader = Reader::new(&memory[..len]);
        assert_eq!((reader.u32(), reader.u64()), (Some(7), Some(u64::MAX)));
        assert_eq!(reader.raw(4), Some(&b"name"[..]));
        assert_eq!(reader.u32(), None);
        assert_eq!(Reader::new(&[1]).raw(usize::MAX), None);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut memory = [0_u8; 6];
        let mut writer = Writer::new(&mut memory);
        writer.u32(7);
        writer.u64(1);
        writer.u32(1);
        assert_eq!(writer.len(), 6);
        assert_eq!(memory, [7, 0, 0, 0, 0, 0]);
    }
}
