//! Panics of threads that hold a lock of the SDK, or have hardly any stack left.
//!
//! A thread holds such a lock only within a call of the SDK; it would wait for itself. So the event is captured by another
//! thread. No extractor is asked, as those belong to a client that cannot be reached from here.

use std::panic::PanicHookInfo;
use std::time::Duration;

use sentry_core::protocol::Event;
use sentry_core::types::Uuid;
use sentry_core::{Class, Hub};

use crate::backtrace::capture;
use crate::facts::Facts;
use crate::panic::PanicIntegration;

/// Reports a panic, and waits for that as long as `patience` says.
///
/// `is_lost`: the hub of this thread is locked for good.
pub(crate) fn report(
    info: &PanicHookInfo<'_>,
    marker: usize,
    is_lost: bool,
    dies: bool,
    patience: Duration,
) -> Uuid {
    let facts = Box::new(Facts::of(info));
    let id = Uuid::new_v4();
    let stack = capture::above(marker);
    let class = if dies { Class::Fatal } else { Class::Normal };
    Hub::elsewhere(is_lost, patience, move |hub| {
        if hub.with_integration(|_: &PanicIntegration| true) {
            let event = Event { event_id: id, ..facts.into_event() };
            let _ = hub.capture_fatal(event, Some(stack), class);
            if let (true, Some(client)) = (dies, hub.client()) {
                client.flush(Some(patience));
            }
        }
    });
    id
}
