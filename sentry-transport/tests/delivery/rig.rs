//! A transport and what it counts.

use std::time::{Duration, Instant};

use ingest::{Log, Server};
use sentry_core::client_report::Recorder;
use sentry_core::protocol::Event;
use sentry_core::protocol::client_report::{Category, Item, Reason};
use sentry_core::{ClientOptions, Transport, TransportOptions};
use sentry_transport::transports::{HttpTransport, ReqwestHttpTransportOptions};

pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) transport: HttpTransport,
    pub(crate) recorder: Recorder,
}

pub(crate) fn options(dsn: &str, recorder: &Recorder) -> TransportOptions {
    let options = ClientOptions {
        dsn: Some(dsn.parse().unwrap()),
        client_report_recorder: recorder.clone(),
        user_agent: "sentry.rust/0.49.100".into(),
        ..ClientOptions::default()
    };
    TransportOptions::try_from_client_options(&options).unwrap()
}

impl Rig {
    pub(crate) fn new(server: &Server) -> Self {
        Self::to(&server.dsn())
    }

    pub(crate) fn to(dsn: &str) -> Self {
        let recorder = Recorder::default();
        let transport = ReqwestHttpTransportOptions::from(options(dsn, &recorder)).build();
        Self { transport, recorder }
    }

    pub(crate) fn send(&self, message: &str) {
        self.transport.send_envelope(event(message).into());
    }

    pub(crate) fn send_many(&self, count: usize) {
        (0..count).for_each(|index| self.send(&format!("event {index}")));
    }

    pub(crate) fn lost(&self, category: Category, reason: Reason) -> u64 {
        let of = |item: &&Item| (item.category(), item.reason()) == (category, reason);
        self.recorder.totals().iter().find(of).map_or(0, Item::quantity)
    }

    pub(crate) fn total_lost(&self) -> u64 {
        self.recorder.totals().iter().map(Item::quantity).sum()
    }

    /// Waits until the books are closed: what a deadline has cut off the worker counts when it gets to run, which on a busy
    /// machine is later than whoever has waited for the deadline.
    pub(crate) fn settle(&self) {
        let end = now() + LONG;
        while self.recorder.stats().queued > 0 && now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

pub(crate) fn event(message: &str) -> Event<'static> {
    Event { message: Some(message.into()), ..Event::new() }
}

/// What client reports in `server`'s log add up to for a reason and category.
pub(crate) fn reported(server: &Server, reason: &str, category: &str) -> u64 {
    reported_in(&server.log(), reason, category)
}

pub(crate) fn reported_in(log: &Log, reason: &str, category: &str) -> u64 {
    log.items("client_report")
        .iter()
        .flat_map(|item| item.json()["discarded_events"].as_array().cloned().unwrap_or_default())
        .filter(|entry| entry["reason"] == reason && entry["category"] == category)
        .filter_map(|entry| entry["quantity"].as_u64())
        .sum()
}

#[expect(clippy::disallowed_methods, reason = "tests measure time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
