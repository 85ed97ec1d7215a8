//! Systems without fork, without exit hooks that run while threads do, and without signals.

use std::io;

use super::Ending;

pub(super) fn watch_forks() {}

pub(super) fn at_exit(_hook: fn()) {}

pub(super) fn flush_on_signals(_flush: fn(Ending)) -> io::Result<()> {
    Ok(())
}
