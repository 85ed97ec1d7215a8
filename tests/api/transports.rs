//! `sentry::transports`: the ways out that come with the SDK.

use std::fmt::Debug;
use std::sync::mpsc;
use std::time::Duration;

use sentry::client_report::Recorder;
use sentry::protocol::{Envelope, Event};
use sentry::transports::{
    DefaultTransportFactory, HttpTransport, RateLimiter, RateLimitingCategory, StdTransportThread,
    StdTransportThreadOptions,
};
use sentry::{Transport, TransportFactory};

const _: DefaultTransportFactory = DefaultTransportFactory;
implements!(DefaultTransportFactory: Clone + TransportFactory);

implements!(HttpTransport: Transport);

#[test]
fn a_rate_limiter_reads_every_kind_of_header() {
    let mut limiter = RateLimiter::new();
    assert!(limiter.is_enabled(RateLimitingCategory::Error));
    RateLimiter::update_from_sentry_header(&mut limiter, "60:error:key, 120:transaction:key");
    assert!(RateLimiter::is_disabled(&limiter, RateLimitingCategory::Error).is_some());
    assert!(RateLimiter::is_enabled(&limiter, RateLimitingCategory::Session));
    assert!(RateLimiter::filter_envelope(&limiter, Event::default().into()).is_none());
    RateLimiter::update_from_retry_after(&mut limiter, "30");
    RateLimiter::update_from_429(&mut limiter);
    for category in [
        RateLimitingCategory::Any,
        RateLimitingCategory::Attachment,
        RateLimitingCategory::Error,
        RateLimitingCategory::LogItem,
        RateLimitingCategory::Session,
        RateLimitingCategory::TraceMetric,
        RateLimitingCategory::Transaction,
    ] {
        assert!(limiter.is_disabled(category).is_some());
    }
}
implements!(RateLimiter: Debug + Default);

#[test]
fn a_thread_sends_for_a_transport_of_ones_own() {
    let (sent, arrived) = mpsc::channel();
    let thread = StdTransportThreadOptions::new(move |envelope: Envelope, _: &mut RateLimiter| {
        let _ = sent.send(envelope.uuid().copied());
    });
    let thread = StdTransportThreadOptions::with_channel_capacity(thread, 10);
    let thread = StdTransportThreadOptions::with_client_report_recorder(thread, Recorder::default());
    let thread: StdTransportThread = StdTransportThreadOptions::spawn_thread(thread);
    let event = Event::default();
    let id = event.event_id;
    StdTransportThread::send(&thread, event.into());
    assert!(StdTransportThread::flush(&thread, Duration::from_secs(20)));
    assert_eq!(arrived.try_recv(), Ok(Some(id)));
}

#[test]
#[expect(deprecated, reason = "published code still calls it")]
fn the_older_constructor_of_a_thread_still_works() {
    let std = StdTransportThread::new(|_: Envelope, _: &mut RateLimiter| {});
    assert!(std.flush(Duration::from_secs(20)));
}

#[cfg(feature = "reqwest")]
mod over_reqwest {
    use std::fmt::Debug;
    use std::sync::mpsc;
    use std::time::Duration;

    use sentry::client_report::Recorder;
    use sentry::protocol::{Envelope, Event};
    use sentry::transports::{
        HttpTransport, RateLimiter, ReqwestHttpTransport, ReqwestHttpTransportOptions, TokioTransportThread,
        TokioTransportThreadOptions,
    };
    use sentry::{ClientOptions, Transport, TransportOptions};

    const _: fn(ReqwestHttpTransport) -> HttpTransport = |same| same;

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

    #[test]
    fn a_tokio_thread_sends_for_a_transport_of_ones_own() {
        let (sent, arrived) = mpsc::channel();
        let thread = TokioTransportThreadOptions::new(move |envelope: Envelope, limiter: RateLimiter| {
            let _ = sent.send(envelope.uuid().copied());
            async move { limiter }
        });
        let thread = TokioTransportThreadOptions::with_channel_capacity(thread, 10);
        let thread = TokioTransportThreadOptions::with_client_report_recorder(thread, Recorder::default());
        let thread: TokioTransportThread = TokioTransportThreadOptions::spawn_thread(thread);
        let event = Event::default();
        let id = event.event_id;
        TokioTransportThread::send(&thread, event.into());
        assert!(TokioTransportThread::flush(&thread, Duration::from_secs(20)));
        assert_eq!(arrived.try_recv(), Ok(Some(id)));
    }

    #[test]
    #[expect(deprecated, reason = "published code still calls it")]
    fn the_older_constructor_of_a_thread_still_works() {
        let tokio = TokioTransportThread::new(|_: Envelope, limiter: RateLimiter| async move { limiter });
        assert!(tokio.flush(Duration::from_secs(20)));
    }
}

#[cfg(feature = "ureq")]
mod over_ureq {
    use std::fmt::Debug;

    use sentry::transports::{UreqHttpTransport, UreqHttpTransportOptions};
    use sentry::{ClientOptions, Transport, TransportOptions};

    #[expect(deprecated, reason = "published code still calls it")]
    const _: fn(&ClientOptions) -> UreqHttpTransport = UreqHttpTransport::new;
    #[expect(deprecated, reason = "published code still calls it")]
    const _: fn() = || {
        let _: fn(&ClientOptions, _) -> UreqHttpTransport = UreqHttpTransport::with_agent;
    };
    implements!(UreqHttpTransport: Transport);
    const _: fn(UreqHttpTransportOptions) -> UreqHttpTransport = UreqHttpTransportOptions::build;
    const _: fn() = || {
        let _: fn(UreqHttpTransportOptions, _) -> UreqHttpTransportOptions =
            UreqHttpTransportOptions::with_agent;
    };
    implements!(UreqHttpTransportOptions: Debug + From<TransportOptions>);
}

#[cfg(feature = "curl")]
mod over_curl {
    use std::fmt::Debug;

    use sentry::transports::{CurlHttpTransport, CurlHttpTransportOptions};
    use sentry::{ClientOptions, Transport, TransportOptions};

    #[expect(deprecated, reason = "published code still calls it")]
    const _: fn(&ClientOptions) -> CurlHttpTransport = CurlHttpTransport::new;
    #[expect(deprecated, reason = "published code still calls it")]
    const _: fn() = || {
        let _: fn(&ClientOptions, _) -> CurlHttpTransport = CurlHttpTransport::with_client;
    };
    implements!(CurlHttpTransport: Transport);
    const _: fn(CurlHttpTransportOptions) -> CurlHttpTransport = CurlHttpTransportOptions::build;
    const _: fn() = || {
        let _: fn(CurlHttpTransportOptions, _) -> CurlHttpTransportOptions =
            CurlHttpTransportOptions::with_client;
    };
    implements!(CurlHttpTransportOptions: Debug + From<TransportOptions>);
}
