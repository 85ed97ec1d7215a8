//! Whether `before_send` lets the test event pass.

use std::time::Duration;

use sentry_core::ClientOptions;

use super::helper;
use super::probe::test_event;
use super::report::Row;

pub(super) fn before_send(options: &ClientOptions, limit: Duration) -> Option<Row> {
    let callback = options.before_send.clone()?;
    Some(match helper::run(limit, move || callback(test_event()).is_some()) {
        Ok(true) => Row::ok("before_send", "lets the test event pass"),
        Ok(false) => Row::warn(
            "before_send",
            "drops the test event",
            "return `Some(event)` from before_send for everything that is to be sent",
        ),
        Err(why) => Row::warn(
            "before_send",
            format!("given the test event, it {}", why.explain()),
            "before_send must return an answer soon: an event for which it panics is dropped",
        ),
    })
}
