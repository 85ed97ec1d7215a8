//! Unix: `pthread_atfork`, `atexit`, `sigaction`.

mod exit;
mod fork;
mod helper;
mod signal;

pub(super) use self::exit::at_exit;
pub(super) use self::fork::watch_forks;
pub(super) use self::helper::flush_on_signals;
