//! Linux on x86_64 and aarch64.

mod child;
mod descriptor;
mod file;
mod handler;
mod helper;
#[cfg(feature = "hang")]
mod hung;
mod marks;
mod memory;
mod pipe;
mod registers;
mod scene;
mod signals;
mod stack;
mod thread;
mod unwind;

use std::fs::File;
use std::io;
use std::sync::atomic::Ordering;

use super::record::Crash;

pub(crate) use self::child::{Prepared, prepare as prepare_children};
pub(crate) use self::file::{is_allowed as may_write, modules as write_modules, scope as write_scope};
pub(crate) use self::helper::refresh;
#[cfg(feature = "hang")]
pub(crate) use self::hung::{Stacks, Taken};
pub(super) use self::marks::set as set_marks;
pub(crate) use self::stack::protect_thread;
pub(crate) use self::thread::{id as thread, now, process};

/// Reports crashes from now on; `send` hands an event over while the process still can. Once per process, a forked child may ask again.
pub(super) fn arm(send: fn(Option<&Crash>, &dyn Fn())) -> io::Result<()> {
    let process = process();
    if handler::PROCESS.load(Ordering::Acquire) != process {
        handler::REQUEST.open()?;
        handler::ANSWER.open()?;
        memory::prepare()?;
        refresh();
        helper::start(send)?;
        handler::PROCESS.store(process, Ordering::Release);
    }
    signals::install(handler::handle)?;
    handler::ARMED.store(true, Ordering::Release);
    Ok(())
}

/// Reports no crash any more.
pub(super) fn disarm() {
    handler::ARMED.store(false, Ordering::Release);
    file::unset();
}

/// Lets crashes be written to this file.
pub(super) fn set_record(file: File) -> io::Result<()> {
    file::set(file)
}

/// Whether no crash has been seen.
pub(super) fn is_quiet() -> bool {
    scene::is_idle()
}
