//! How many bytes something takes as JSON: exactly, as long as that is not beyond all bounds.

use std::io::{self, Write};

use sentry_core::protocol::Value;

use super::caps::ITEM;

/// Nobody needs to know how much more it is.
const MOST: usize = 4 * ITEM;

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > MOST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Anything that can be written as JSON; as large as can be if it cannot, or is larger than `MOST`.
pub(super) fn of(write: impl FnOnce(&mut dyn Write) -> serde_json::Result<()>) -> usize {
    let mut count = Count(0);
    match write(&mut count) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

/// A value whose depth is bounded.
pub(super) fn of_value(value: &Value) -> usize {
    of(|writer| serde_json::to_writer(writer, value))
}
