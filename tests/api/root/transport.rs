//! The way out: transports, their factories, what these are told.

use std::borrow::Cow;
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sentry::client_report::Recorder;
use sentry::types::Dsn;
use sentry::{ClientOptions, Envelope, Transport, TransportFactory, TransportOptions};

use crate::root::doubles::Nowhere;

const _: fn(&(dyn Transport + 'static), Envelope) = Transport::send_envelope;
const _: fn(&(dyn Transport + 'static), Duration) -> bool = Transport::flush;
const _: fn(&(dyn Transport + 'static), Duration) -> bool = Transport::shutdown;
implements!(Arc<Nowhere>: Transport);

const _: fn(&(dyn TransportFactory + 'static), &ClientOptions) -> Arc<dyn Transport> =
    TransportFactory::create_transport;
const _: fn(&(dyn TransportFactory + 'static), TransportOptions) -> Arc<dyn Transport> =
    TransportFactory::create_transport_with_options;
implements!(dyn TransportFactory: Send + Sync + ?Sized);
implements!(Arc<Nowhere>: TransportFactory);
implements!(fn(&ClientOptions) -> Arc<dyn Transport>: TransportFactory);

fields!(TransportOptions {
    accept_invalid_certs: bool,
    client_report_recorder: Recorder,
    dsn: Dsn,
    http_proxy: Option<Cow<'static, str>>,
    https_proxy: Option<Cow<'static, str>>,
    transport_channel_capacity: Option<NonZeroUsize>,
    user_agent: Cow<'static, str>,
});
const _: fn(&ClientOptions) -> Option<TransportOptions> = TransportOptions::try_from_client_options;
implements!(TransportOptions: Debug);

/// A factory of the older kind.
struct Older;

impl TransportFactory for Older {
    fn create_transport(&self, _options: &ClientOptions) -> Arc<dyn Transport> {
        Arc::new(Nowhere)
    }
}

/// A factory of the newer kind.
struct Newer;

impl TransportFactory for Newer {
    fn create_transport_with_options(&self, _options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Nowhere)
    }
}

#[test]
fn each_method_of_a_factory_calls_the_other() {
    let options = ClientOptions::new().dsn("http://public@127.0.0.1:9/1").user_agent("api");
    for factory in [&Older as &dyn TransportFactory, &Newer] {
        let for_transport = TransportOptions::try_from_client_options(&options).expect("there is a DSN");
        assert_eq!(for_transport.user_agent, "api");
        assert!(factory.create_transport(&options).flush(Duration::ZERO));
        assert!(factory.create_transport_with_options(for_transport).shutdown(Duration::ZERO));
    }
}
