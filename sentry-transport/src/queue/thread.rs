//! The worker thread: started by the first item, suppressed, and never fatal to the process.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::Builder;

use sentry_core::protocol::client_report::Reason;
use sentry_core::suppress;

use super::shared::{Shared, Status};
use super::worker::Worker;

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
    let outcome = catch_unwind(AssertUnwindSafe(|| run(shared)));
    let died = match outcome {
        Ok(Ok(())) => false,
        Ok(Err(error)) => {
            shared.tell("worker runtime", || format!("no runtime for the worker: {error}"));
            true
        }
        Err(_) => {
            shared.tell("worker panic", || "the worker panicked and will be started again".into());
            true
        }
    };
    end(shared, died);
}

fn run(shared: &Arc<Shared>) -> io::Result<()> {
    let driver = shared.setup.runtime.driver()?;
    let worker = Worker::new(Arc::clone(shared), driver.timer());
    driver.block_on(Box::pin(worker.run()));
    Ok(())
}

/// Counts what nobody will send any more. After a failure the next item may try again.
fn end(shared: &Shared, died: bool) {
    let mut state = shared.lock();
    let left = shared.take_all(&mut state);
    state.abandoned |= !left.is_empty();
    // Whoever could have answered what else is open is gone.
    state.epochs.clear();
    state.reports.clear();
    match (died, state.closing) {
        (true, None) => state.failed(),
        _ => state.worker = Status::Stopped,
    }
    drop(state);
    shared.count_lost(&left, if died { Reason::InternalSdkError } else { Reason::QueueOverflow });
    shared.progress.notify_all();
}
