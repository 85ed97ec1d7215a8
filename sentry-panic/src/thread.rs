//! The calling thread, as events name it.

use std::fmt::Write;

use sentry_core::protocol::{Thread, ThreadId};

/// Number and name of the calling thread.
pub(crate) fn current() -> Thread {
    // Destructors of thread-locals may ask as well: std gives the handle up after the last of them.
    let thread = std::thread::current();
    Thread {
        id: number(thread.id()).map(ThreadId::Int),
        name: thread.name().map(str::to_owned),
        ..Thread::default()
    }
}

/// The number in `ThreadId(7)`: std has no stable way to ask for it.
fn number(id: std::thread::ThreadId) -> Option<u64> {
    let mut digits = Digits(None);
    let _ = write!(digits, "{id:?}");
    digits.0
}

/// Reads the number in a text without keeping the text.
struct Digits(Option<u64>);

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for digit in text.bytes().filter(u8::is_ascii_digit) {
            let number = self.0.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.0 = Some(number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_the_one_std_prints() {
        let id = std::thread::current().id();
        assert_eq!(format!("{id:?}"), format!("ThreadId({})", number(id).unwrap()));
        assert!(current().name.is_some());
    }
}
