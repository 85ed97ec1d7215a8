//! The transport a client gets when the application names none.

use std::sync::Arc;

use sentry_core::{Transport, TransportFactory, TransportOptions};

/// Makes the default transport.
///
/// Without an HTTP feature that is one which counts everything as lost and says so once.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultTransportFactory;

impl TransportFactory for DefaultTransportFactory {
    #[cfg(feature = "reqwest")]
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(super::ReqwestHttpTransportOptions::from(options).build())
    }

    #[cfg(all(feature = "ureq", not(feature = "reqwest")))]
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(super::UreqHttpTransportOptions::from(options).build())
    }

    #[cfg(all(feature = "curl", not(any(feature = "reqwest", feature = "ureq"))))]
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(super::CurlHttpTransportOptions::from(options).build())
    }

    #[cfg(not(any(feature = "reqwest", feature = "ureq", feature = "curl")))]
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        sentry_core::diagnostics::warn_once("no transport", || {
            "a DSN is set, but no transport feature is on: nothing can be sent".into()
        });
        Arc::new(none::NoTransport(options.client_report_recorder))
    }
}

#[cfg(not(any(feature = "reqwest", feature = "ureq", feature = "curl")))]
mod none {
    use sentry_core::client_report::{Reason, Recorder};
    use sentry_core::protocol::Envelope;
    use sentry_core::{Outbound, Transport};

    /// Counts.
    #[derive(Debug)]
    pub(super) struct NoTransport(pub(super) Recorder);

    impl Transport for NoTransport {
        fn send_envelope(&self, envelope: Envelope) {
            self.0.record_lost_data(&envelope, Reason::InternalError);
        }

        fn send(&self, outbound: Outbound) {
            self.0.record_lost_data(&outbound.losses()[..], Reason::InternalError);
        }
    }
}
