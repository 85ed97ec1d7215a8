//! The worker thread: started by the first item, suppressed, and never fatal to the process.

use std::io;
use std::sync::Arc;
use std::thread::Builder;

use sentry_core::protocol::client_report::{Category, Reason};
use sentry_core::suppress;

use super::shared::Shared;
use super::state::Status;
use super::worker::Worker;
use crate::caught::caught;

/// Starts the worker. A thread that cannot be had costs the items, counted, and nothing else.
pub(super) fn start(shared: &Arc<Shared>) {
    let theirs = Arc::clone(shared);
    // Our own work must not report itself.
    let body = move || suppress(|| main(&theirs));
    if let Err(error) = Builder::new().name("sentry-worker".into()).spawn(body) {
        shared.tell("worker thread", || format!("no thread for the worker: {error}"));
        end(shared, true);
    }
}

fn main(shared: &Arc<Shared>) {
    let finished = match caught(|| run(shared)) {
        Some(Err(error)) => {
            shared.tell("worker runtime", || format!("no runtime for the worker: {error}"));
            false
        }
        Some(Ok(true)) => true,
        Some(Ok(false)) | None => {
            shared.tell("worker panic", || "the worker panicked and will be started again".into());
            false
        }
    };
    end(shared, !finished);
}

/// Tells whether the worker came to its end, and not to a panic.
fn run(shared: &Arc<Shared>) -> io::Result<bool> {
    let driver = shared.setup.runtime.driver()?;
    let worker = Worker::new(Arc::clone(shared), driver.timer());
    let mut finished = false;
    driver.block_on(Box::pin(async { finished = worker.run().await }));
    Ok(finished)
}

/// Counts what nobody will send any more. After a failure the next item may try again.
fn end(shared: &Shared, died: bool) {
    let reason = if died { Reason::InternalSdkError } else { Reason::QueueOverflow };
    let mut state = loop {
        shared.abandon(reason);
        let state = shared.lock();
        // Others may have captured meanwhile.
        if state.lanes.is_empty() {
            break state;
        }
    };
    // Whoever could have answered what else is open is gone.
    let in_hand = state.unanswered;
    state.unanswered = 0;
    state.abandoned |= in_hand > 0;
    state.epochs.clear();
    state.reports.clear();
    match (died, state.closing) {
        (true, None) => state.failed(),
        _ => state.worker = Status::Stopped,
    }
    // Before anybody who waits can look.
    shared.recorder.count_dropped(in_hand);
    drop(state);
    shared.recorder.record(reason, Category::Default, in_hand);
    shared.progress.notify_all();
}
