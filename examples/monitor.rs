//! Jobs on a schedule, watched: each run tells that it has begun, how it ended, and how long it took.
//!
//!     SENTRY_DSN=https://key@host/1 cargo run --example monitor
//!
//! The first check-in of each job describes it, so nothing has to be set up on the server. A scheduler of its own is not
//! needed for that: whatever takes a future takes `monitor.watch(job())`.

use std::time::Duration;

use sentry::protocol::{MonitorConfig, MonitorIntervalUnit, MonitorSchedule};
use sentry::{ClientOptions, Monitor};
use tokio::time::{MissedTickBehavior, interval, sleep};

type Outcome = Result<(), std::io::Error>;

/// Runs a job again and again. The clock goes on while a run takes its time, and after one that has failed.
async fn every<F>(period: Duration, times: usize, monitor: Monitor, job: fn() -> F)
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let mut clock = interval(period);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut runs = Vec::new();
    for _ in 0..times {
        clock.tick().await;
        // A task of its own: a panic in it ends this run, is reported, and leaves the loop alone.
        runs.push(tokio::spawn(monitor.watch(job())));
    }
    for run in runs {
        if let Ok(Err(error)) = run.await {
            println!("a run has failed: {error}");
        }
    }
}

async fn back_up() -> Outcome {
    sleep(Duration::from_millis(20)).await;
    Ok(())
}

async fn print_invoices() -> Outcome {
    Err(std::io::Error::other("the printer is out of paper"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _guard = sentry::init(ClientOptions::new().release("jobs@1.0.0"));

    // Checked here: a server answers a schedule that it does not understand with silence.
    let nightly = MonitorSchedule::from_crontab("0 3 * * *")?;
    let backup = Monitor::new("backup").owner("team:operations").config(MonitorConfig {
        schedule: nightly,
        checkin_margin: Some(5),
        max_runtime: Some(30),
        timezone: Some("Europe/Oslo".to_owned()),
        failure_issue_threshold: Some(2),
        recovery_threshold: Some(1),
    });
    let hourly = MonitorSchedule::Interval { value: 1, unit: MonitorIntervalUnit::Hour };
    let invoices = Monitor::new("invoices").schedule(hourly);

    // As if an hour took 50 ms.
    let hour = Duration::from_millis(50);
    tokio::join!(every(hour, 3, backup, back_up), every(hour, 3, invoices, print_invoices));

    // What blocks is watched just so.
    let pages = sentry::with_monitor("report", || std::fs::read("/dev/null"))?;
    println!("the report has {} bytes", pages.len());
    Ok(())
}
