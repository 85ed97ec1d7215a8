//! What logs and metrics need of a client.

use std::sync::OnceLock;
use std::time::SystemTime;

use crate::attributes::Defaults;
use crate::client::Client;
#[cfg(any(feature = "logs", feature = "metrics"))]
use crate::client_report::protocol::Category;
use crate::client_report::protocol::Reason;
use crate::outbound::Outbound;
use crate::protocol::LogAttribute;
use crate::suppress::guarded;
use crate::telemetry::Telemetry;
use crate::{clock, process};

/// What all logs and all metrics of a client say.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    #[cfg(feature = "logs")]
    logs: OnceLock<Defaults>,
    #[cfg(feature = "metrics")]
    metrics: OnceLock<Defaults>,
    spans: OnceLock<Defaults>,
}

impl Client {
    #[cfg(feature = "logs")]
    pub(crate) fn log_defaults(&self) -> &Defaults {
        self.defaults(&self.inner.attributes.logs, || {
            let options = self.options();
            let asked = options
                .integrations
                .iter()
                .filter_map(|it| guarded("integration", || it.log_attributes(options)).ok());
            Defaults::new(self.common().into_iter().chain(asked.flatten()))
        })
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn metric_defaults(&self) -> &Defaults {
        self.defaults(&self.inner.attributes.metrics, || Defaults::new(self.common()))
    }

    pub(crate) fn span_defaults(&self) -> &Defaults {
        self.defaults(&self.inner.attributes.spans, || Defaults::new(self.common()))
    }

    fn defaults<'a>(&self, slot: &'a OnceLock<Defaults>, make: impl FnOnce() -> Defaults) -> &'a Defaults {
        if let Some(defaults) = slot.get() {
            return defaults;
        }
        // Made before the slot is filled: a fork must not find it half done.
        let defaults = make();
        process::without_fork(|| slot.get_or_init(|| defaults))
    }

    fn common(&self) -> Vec<(&'static str, LogAttribute)> {
        let options = self.options();
        let sdk = self.inner.completion.sdk();
        let text = |text: Option<&str>| LogAttribute(text.into());
        vec![
            ("sentry.environment", text(options.environment.as_deref())),
            ("sentry.release", text(options.release.as_deref())),
            ("sentry.sdk.name", text(Some(&sdk.name))),
            ("sentry.sdk.version", text(Some(&sdk.version))),
            ("server.address", text(options.server_name.as_deref())),
        ]
    }

    /// Hands a record to the transport.
    pub(crate) fn send_telemetry(&self, record: Telemetry) {
        self.send_telemetry_at(record, clock::now());
    }

    /// The same for one that says when it was captured.
    pub(crate) fn send_telemetry_at(&self, record: Telemetry, time: SystemTime) {
        if self.discards() {
            return self.recorder().record_loss(&record.losses()[..], Reason::NoConsent);
        }
        let Some(transport) = self.transport() else { return };
        let (kind, bytes) = (record.kind(), record.json().len());
        let outbound = Outbound::from_telemetry_at(record, time).of_client(&self.inner.completion);
        if guarded("transport", || transport.send(outbound)).is_err() {
            self.recorder().record_loss(&kind.losses(bytes)[..], Reason::InternalSdkError);
        }
    }

    /// Counts what is not sent.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    pub(crate) fn lose(&self, reason: Reason, what: &[(Category, u64)]) {
        what.iter().for_each(|(category, quantity)| self.recorder().record(reason, *category, *quantity));
    }
}
