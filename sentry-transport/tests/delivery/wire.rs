//! What the server sees.

use std::time::Duration;

use ingest::{Reply, Server};
use sentry_core::client_report::Recorder;
use sentry_core::envelope::EnvelopeHeaders;
use sentry_core::protocol::client_report::Reason;
use sentry_core::protocol::{Breadcrumb, DynamicSamplingContext, Envelope, Transaction};
use sentry_core::{ClientOptions, Transport, TransportFactory};
use sentry_transport::transports::{DefaultTransportFactory, ReqwestHttpTransportOptions};

use crate::rig::{LONG, Rig, event, options};

#[test]
fn every_header_is_there_and_small_bodies_are_plain() {
    let server = Server::start();
    let rig = Rig::new(&server);
    rig.send("small");
    assert!(rig.transport.flush(LONG));
    let request = server.requests().remove(0);
    let auth = "Sentry sentry_version=7, sentry_client=sentry.rust/0.49.100, sentry_key=public";
    assert_eq!(request.header("x-sentry-auth"), Some(auth));
    assert_eq!(request.header("user-agent"), Some("sentry.rust/0.49.100"));
    assert_eq!(request.header("content-type"), Some("application/x-sentry-envelope"));
    assert_eq!(request.header("content-encoding"), None);
    let envelope = server.envelopes().remove(0);
    assert!(envelope.headers.get("sent_at").is_some());
    assert_eq!(envelope.headers["dsn"], server.dsn());
    server.assert_clean();
}

#[test]
fn large_bodies_are_gzip() {
    let server = Server::start();
    let rig = Rig::new(&server);
    let mut large = event("large");
    for index in 0..200 {
        large
            .breadcrumbs
            .push(Breadcrumb { message: Some(format!("crumb {index}")), ..Breadcrumb::default() });
    }
    rig.transport.send_envelope(large.into());
    assert!(rig.transport.flush(LONG));
    assert_eq!(server.requests()[0].header("content-encoding"), Some("gzip"));
    assert_eq!(server.events()[0]["breadcrumbs"]["values"].as_array().map(Vec::len), Some(200));
    server.assert_clean();
}

#[test]
fn the_trace_header_survives_the_way() {
    let server = Server::start();
    // Neither the trace nor the transaction is complete: only the way is of interest here.
    server.allow_problems();
    let rig = Rig::new(&server);
    let trace = DynamicSamplingContext::new().with_public_key("public".into()).with_release("app@1".into());
    let mut transaction = Transaction::new();
    transaction.name = Some("job".into());
    let envelope = Envelope::from(transaction);
    let headers: EnvelopeHeaders = envelope.headers().clone().with_trace(trace);
    rig.transport.send_envelope(envelope.with_headers(headers));
    assert!(rig.transport.flush(LONG));
    assert_eq!(server.envelopes()[0].headers["trace"]["release"], "app@1");
}

#[test]
fn a_timestamp_before_1970_does_not_end_the_transport() {
    let server = Server::start();
    server.allow_problems();
    let rig = Rig::new(&server);
    let mut odd = event("odd");
    odd.timestamp = std::time::SystemTime::UNIX_EPOCH - Duration::from_secs(86_400);
    rig.transport.send_envelope(odd.into());
    rig.send("next");
    assert!(rig.transport.flush(LONG));
    assert!(server.accepted_events().iter().any(|event| event["message"] == "next"));
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::start();
    let server = Server::start();
    server.script([Reply::status(307).header("Location", &format!("http://{}/", elsewhere.addr()))]);
    let rig = Rig::new(&server);
    rig.send("stay");
    assert!(rig.transport.flush(LONG));
    assert_eq!(elsewhere.log().attempts(), 0);
}

#[test]
fn a_client_of_the_application_is_used() {
    let server = Server::start();
    let recorder = Recorder::default();
    let client = reqwest::Client::builder().default_headers(
        [("x-own".parse().unwrap(), "yes".parse().unwrap())]
            .into_iter()
            .collect::<reqwest::header::HeaderMap>(),
    );
    #[cfg(feature = "rustls-no-provider")]
    let client = {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
        client.tls_backend_preconfigured(config)
    };
    let transport = ReqwestHttpTransportOptions::from(options(&server.dsn(), &recorder))
        .with_client(client.build().unwrap())
        .build();
    transport.send_envelope(event("mine").into());
    assert!(transport.shutdown(LONG));
    assert_eq!(server.requests()[0].header("x-own"), Some("yes"));
}

#[test]
fn a_proxy_is_used() {
    let proxy = Server::start();
    proxy.allow_problems();
    let recorder = Recorder::default();
    let mut options = options("http://public@sentry.invalid/42", &recorder);
    options.http_proxy = Some(format!("http://{}", proxy.addr()).into());
    let transport = ReqwestHttpTransportOptions::from(options).build();
    transport.send_envelope(event("by proxy").into());
    assert!(transport.shutdown(Duration::from_secs(5)));
    assert_eq!(proxy.log().attempts(), 1);
}

#[test]
fn the_default_factory_makes_a_working_transport() {
    let server = Server::start();
    let options = ClientOptions { dsn: Some(server.dsn().parse().unwrap()), ..ClientOptions::default() };
    let transport = DefaultTransportFactory.create_transport(&options);
    transport.send_envelope(event("default").into());
    assert!(transport.flush(LONG), "through the Arc as well");
    assert_eq!(server.accepted_events().len(), 1);
}

#[test]
fn an_https_dsn_needs_no_process_wide_crypto_provider() {
    for accept_invalid_certs in [false, true] {
        let server = Server::builder().otherwise(Reply::garbage()).start();
        server.allow_problems();
        let recorder = Recorder::default();
        let mut options = options(&server.dsn().replacen("http://", "https://", 1), &recorder);
        options.accept_invalid_certs = accept_invalid_certs;
        let transport = ReqwestHttpTransportOptions::from(options).build();
        transport.send_envelope(event("https").into());
        transport.shutdown(Duration::from_secs(10));
        let reasons: Vec<_> = recorder.totals().iter().map(|item| item.reason()).collect();
        // With TLS the handshake fails; without, the sender says that it cannot work.
        let expected = if cfg!(any(feature = "rustls-no-provider", feature = "native-tls")) {
            Reason::NetworkError
        } else {
            Reason::InternalSdkError
        };
        assert_eq!(reasons, [expected]);
    }
}
