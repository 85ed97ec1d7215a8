//! Watching a job that is a future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{JobOutcome, Monitor, MonitorRun};

pin_project! {
    /// The future that [`Monitor::watch`] returns. Dropped before its end, the run has failed.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Monitored<F> {
        monitor: Monitor,
        run: Option<MonitorRun>,
        #[pin]
        job: F,
    }
}

impl<F> Monitored<F> {
    pub(super) fn new(monitor: Monitor, job: F) -> Self {
        Self { monitor, run: None, job }
    }
}

impl<F> Future for Monitored<F>
where
    F: Future,
    F::Output: JobOutcome,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.run.is_none() {
            *this.run = Some(this.monitor.start());
        }
        let outcome = ready!(this.job.poll(context));
        if let Some(run) = this.run.take() {
            run.end(outcome.went_well());
        }
        Poll::Ready(outcome)
    }
}

impl<F> fmt::Debug for Monitored<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitored").field("monitor", &self.monitor).finish_non_exhaustive()
    }
}
