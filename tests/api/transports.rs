//! `sentry::transports`: the ways out that come with the SDK.

use std::fmt::Debug;

use sentry::transports::{
    DefaultTransportFactory, HttpTransport, ReqwestHttpTransport, ReqwestHttpTransportOptions,
};
use sentry::{ClientOptions, Transport, TransportFactory, TransportOptions};

const _: fn(ReqwestHttpTransport) -> HttpTransport = |same| same;
const _: DefaultTransportFactory = DefaultTransportFactory;
implements!(DefaultTransportFactory: Clone + TransportFactory);

#[expect(deprecated, reason = "published code still calls it")]
const _: fn(&ClientOptions) -> ReqwestHttpTransport = ReqwestHttpTransport::new;
#[expect(deprecated, reason = "published code still calls it")]
const _: fn() = || {
    let _: fn(&ClientOptions, _) -> ReqwestHttpTransport = ReqwestHttpTransport::with_client;
};
implements!(ReqwestHttpTransport: Transport);

const _: fn(ReqwestHttpTransportOptions) -> ReqwestHttpTransport = ReqwestHttpTransportOptions::build;
const _: fn() = || {
    let _: fn(ReqwestHttpTransportOptions, _) -> ReqwestHttpTransportOptions =
        ReqwestHttpTransportOptions::with_client;
};
implements!(ReqwestHttpTransportOptions: Debug + From<TransportOptions>);
