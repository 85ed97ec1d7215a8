//! The thread that flushes when a signal arrives.

use std::io::{self, PipeReader, Read as _};
use std::os::fd::IntoRawFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread::Builder;

use sentry_core::process::{self, Held};

use super::signal::{self, Signal};
use crate::process::Ending;
use crate::sync::lock;

/// The process that a helper was started in last.
static HELPED: Mutex<Option<u32>> = Mutex::new(None);

pub(in crate::process) fn flush_on_signals(flush: fn(Ending)) -> io::Result<()> {
    let current = process::generation();
    let mut helped = lock(&HELPED);
    if *helped == Some(current) {
        return Ok(());
    }
    let (reader, writer) = io::pipe()?;
    // It must be this thread that does not get signals, or the one it waits for would interrupt it.
    let body = move || sentry_core::suppress(|| serve(reader, flush));
    signal::blocked(|| Builder::new().name("sentry-signals".into()).spawn(body))?;
    // Never closed: a handler may be about to write to it.
    signal::ring_at(writer.into_raw_fd());
    signal::install()?;
    *helped = Some(current);
    Ok(())
}

/// For a fork.
pub(super) fn hold(held: &mut Held<'_>) {
    held.lock(&HELPED);
}

fn serve(mut reader: PipeReader, flush: fn(Ending)) {
    let mut byte = [0];
    while reader.read_exact(&mut byte).is_ok() {
        if let Some(signal) = signal::of_byte(byte[0]) {
            obey(signal, flush);
        }
    }
}

fn obey(signal: &Signal, flush: fn(Ending)) {
    let ending = if signal.is_deadly() { Ending::Dies } else { Ending::Undecided };
    // Whatever happens in there, the process must be able to end.
    let _ = catch_unwind(AssertUnwindSafe(|| flush(ending)));
    if ending == Ending::Dies {
        signal.die();
    }
    signal.is_done();
}
