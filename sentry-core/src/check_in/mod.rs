//! Check-ins: whether jobs run when they should (protocol.md 15).
//!
//! ```
//! use sentry_core::protocol::{EnvelopeItem, MonitorCheckInStatus, MonitorSchedule};
//! use sentry_core::{Monitor, test::with_captured_envelopes};
//!
//! let envelopes = with_captured_envelopes(|| {
//!     let monitor = Monitor::new("nightly-report").schedule(MonitorSchedule::from_crontab("0 3 * * *").unwrap());
//!     let pages = monitor.run(|| Ok::<_, std::io::Error>(42)).unwrap();
//!     assert_eq!(pages, 42);
//! });
//! let Some(EnvelopeItem::MonitorCheckIn(end)) = envelopes[1].items().next() else { panic!() };
//! assert_eq!(end.status, MonitorCheckInStatus::Ok);
//! ```

mod capture;
mod future;
mod monitor;
mod outcome;

pub use self::capture::capture_check_in;
pub use self::future::Monitored;
pub use self::monitor::{Monitor, MonitorRun, with_monitor};
pub use self::outcome::JobOutcome;

#[cfg(test)]
mod tests;
