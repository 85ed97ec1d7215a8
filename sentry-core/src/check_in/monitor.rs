//! Watching the runs of a job.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use super::{JobOutcome, Monitored};
use crate::hub::Hub;
use crate::protocol::{MonitorCheckIn, MonitorCheckInStatus, MonitorConfig, MonitorSchedule};
use crate::types::Uuid;
use crate::{clock, rng};

/// A job to be watched.
///
/// Each run sends two check-ins: that it has begun, and how it ended and how long it took. A run that panics, returns an
/// error or is cancelled has failed.
#[derive(Clone, Debug)]
#[must_use = "a monitor watches what is run with it"]
pub struct Monitor {
    slug: Cow<'static, str>,
    config: Option<MonitorConfig>,
    owner: Option<Cow<'static, str>>,
}

/// Runs `job` as the job with this slug, and tells how it went: see [`Monitor`], which can also say when the job should run.
///
/// ```
/// let outcome = sentry_core::with_monitor("nightly-report", || Ok::<_, std::io::Error>(42));
/// assert_eq!(outcome.unwrap(), 42);
/// ```
pub fn with_monitor<S, R>(slug: S, job: impl FnOnce() -> R) -> R
where
    S: Into<Cow<'static, str>>,
    R: JobOutcome,
{
    Monitor::new(slug).run(job)
}

impl Monitor {
    /// The monitor with this slug. Without a [`schedule`](Self::schedule) or a [`config`](Self::config) it has to exist on
    /// the server.
    pub fn new<S: Into<Cow<'static, str>>>(slug: S) -> Self {
        Self { slug: slug.into(), config: None, owner: None }
    }

    /// Sets when the job runs, and leaves the rest to the server. The first check-in creates or updates the monitor.
    pub fn schedule(self, schedule: MonitorSchedule) -> Self {
        self.config(MonitorConfig {
            schedule,
            checkin_margin: None,
            max_runtime: None,
            timezone: None,
            failure_issue_threshold: None,
            recovery_threshold: None,
        })
    }

    /// Sets how the server shall watch the job.
    pub fn config(self, config: MonitorConfig) -> Self {
        Self { config: Some(config), ..self }
    }

    /// Sets who looks after the job: `user:jane@example.com`, `team:billing`. Told with a [`schedule`](Self::schedule) or a
    /// [`config`](Self::config).
    pub fn owner<O: Into<Cow<'static, str>>>(self, owner: O) -> Self {
        Self { owner: Some(owner.into()), ..self }
    }

    /// Runs `job`, and tells how it went.
    pub fn run<R: JobOutcome>(&self, job: impl FnOnce() -> R) -> R {
        let run = self.start();
        let outcome = job();
        run.end(outcome.went_well());
        outcome
    }

    /// The future of `job`, which tells how it went. Begins when it is first polled.
    ///
    /// It goes wherever a future goes: `tokio::spawn(monitor.watch(job()))` watches a task, whose run has failed if the task
    /// panics or is aborted.
    pub fn watch<F>(&self, job: F) -> Monitored<F>
    where
        F: Future,
        F::Output: JobOutcome,
    {
        Monitored::new(self.clone(), job)
    }

    /// Tells that a run has begun. It has failed unless [`MonitorRun::end`] says otherwise.
    pub fn start(&self) -> MonitorRun {
        let hub = Hub::current();
        let run = MonitorRun {
            hub,
            slug: self.slug.clone(),
            id: rng::uuid(),
            begun: clock::instant(),
            is_over: false,
        };
        run.tell(MonitorCheckInStatus::InProgress, self.config.clone(), self.owner.as_deref());
        run
    }

    /// Tells the end of a run of which nothing else was told.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn heartbeat(&self, went_well: bool) -> Uuid {
        let check_in = MonitorCheckIn {
            check_in_id: rng::uuid(),
            monitor_slug: self.slug.clone().into_owned(),
            status: status(went_well),
            environment: None,
            duration: None,
            monitor_config: self.config.clone(),
        };
        Hub::current().capture_check_in_of(check_in, self.owner.as_deref())
    }
}

fn status(went_well: bool) -> MonitorCheckInStatus {
    if went_well { MonitorCheckInStatus::Ok } else { MonitorCheckInStatus::Error }
}

/// A run of a job that has begun. Dropped, it has failed.
#[must_use = "dropped, it tells that the run has failed"]
pub struct MonitorRun {
    /// The end belongs where the beginning was.
    hub: Arc<Hub>,
    slug: Cow<'static, str>,
    id: Uuid,
    begun: Instant,
    is_over: bool,
}

impl MonitorRun {
    /// The id that both check-ins of the run have.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Tells how the run ended, and how long it took.
    pub fn end(mut self, went_well: bool) {
        self.finish(went_well);
    }

    fn finish(&mut self, went_well: bool) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.tell(status(went_well), None, None);
        }
    }

    fn tell(&self, status: MonitorCheckInStatus, monitor_config: Option<MonitorConfig>, owner: Option<&str>) {
        let is_over = !matches!(status, MonitorCheckInStatus::InProgress);
        let seconds = || clock::instant().saturating_duration_since(self.begun).as_secs_f64();
        let check_in = MonitorCheckIn {
            check_in_id: self.id,
            monitor_slug: self.slug.clone().into_owned(),
            status,
            environment: None,
            duration: is_over.then(seconds),
            monitor_config,
        };
        self.hub.capture_check_in_of(check_in, owner);
    }
}

impl Drop for MonitorRun {
    fn drop(&mut self) {
        self.finish(false);
    }
}

impl fmt::Debug for MonitorRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorRun").field("slug", &self.slug).field("id", &self.id).finish_non_exhaustive()
    }
}
