//! Every form of `init`. The last one wins for the whole process, hence one test; nothing is captured here.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sentry::protocol::{Breadcrumb, Event};
use sentry::types::Dsn;
use sentry::{ClientInitGuard, ClientOptions};

const DSN: &str = "http://public@127.0.0.1:9/1";

#[test]
fn every_form_of_init_is_taken() {
    let guards: [fn() -> ClientInitGuard; 16] = [
        || sentry::init(DSN),
        || sentry::init(DSN.to_owned()),
        || sentry::init(Some(DSN)),
        || sentry::init(DSN.parse::<Dsn>().expect("a DSN")),
        || sentry::init((DSN, ClientOptions::default())),
        || sentry::init((DSN, ClientOptions { release: sentry::release_name!(), ..Default::default() })),
        || sentry::init((Some(DSN), ClientOptions::new().maybe_release(sentry::release_name!()))),
        || sentry::init((DSN, ClientOptions::new().release("shop@1.2.3").environment("staging"))),
        || sentry::init(ClientOptions::new().dsn(DSN).traces_sample_rate(0.2)),
        || sentry::init(ClientOptions { dsn: DSN.parse().ok(), ..Default::default() }),
        || sentry::init((DSN, old_literal())),
        || sentry::init((DSN, setters())),
        || {
            let mut options = ClientOptions::new();
            options.release = Some(Cow::Borrowed("shop@1.2.3"));
            options.debug = false;
            sentry::init((DSN, options))
        },
        || sentry::init(sentry::apply_defaults(ClientOptions::new().dsn(DSN))),
        || sentry::init((DSN.parse::<Dsn>().ok(), ClientOptions::default())),
        || {
            sentry::init((
                Cow::Borrowed(DSN),
                ClientOptions { attach_stacktrace: true, ..ClientOptions::default() },
            ))
        },
    ];
    for (index, guard) in guards.iter().enumerate() {
        let guard = guard();
        assert!(guard.is_enabled(), "form {index}");
        assert_eq!(guard.dsn().map(Dsn::host), Some("127.0.0.1"), "form {index}");
    }
}

#[test]
fn without_a_dsn_nothing_is_enabled() {
    let clients = [
        sentry::Client::from(()),
        sentry::Client::from(""),
        sentry::Client::from(None::<&str>),
        sentry::Client::from((None::<&str>, ClientOptions::default())),
        sentry::Client::from(((), ClientOptions { release: sentry::release_name!(), ..Default::default() })),
        sentry::Client::from(ClientOptions::default()),
    ];
    for client in clients {
        assert!(!client.is_enabled());
    }
}

#[test]
#[should_panic(expected = "DSN")]
fn a_wrong_dsn_in_code_panics() {
    drop(sentry::Client::from("not a DSN"));
}

/// The literal form that most published code has.
fn old_literal() -> ClientOptions {
    ClientOptions {
        release: sentry::release_name!(),
        environment: Some("production".into()),
        sample_rate: 0.5,
        traces_sample_rate: 1.0,
        traces_sampler: Some(Arc::new(|context| if context.operation() == "health" { 0.0 } else { 1.0 })),
        max_breadcrumbs: 50,
        attach_stacktrace: true,
        send_default_pii: false,
        server_name: Some("web-1".into()),
        in_app_include: vec!["shop"],
        in_app_exclude: vec!["shop::vendored"],
        integrations: vec![],
        default_integrations: true,
        before_send: Some(Arc::new(|mut event: Event<'static>| {
            event.request = None;
            Some(event)
        })),
        before_breadcrumb: Some(Arc::new(|breadcrumb: Breadcrumb| {
            (breadcrumb.category.as_deref() != Some("noise")).then_some(breadcrumb)
        })),
        shutdown_timeout: Duration::from_millis(100),
        auto_session_tracking: false,
        session_mode: sentry::SessionMode::Request,
        max_request_body_size: sentry::MaxRequestBodySize::Small,
        ..Default::default()
    }
}

/// The setters, which the newer documentation teaches.
#[expect(clippy::redundant_closure, reason = "as the documentation writes it")]
fn setters() -> ClientOptions {
    ClientOptions::new()
        .maybe_release(sentry::release_name!())
        .environment("production")
        .server_name(String::from("web-1"))
        .sample_rate(0.5)
        .traces_sampler(|context| if context.name() == "GET /health" { 0.0 } else { 1.0 })
        .before_send(|event| Some(event))
        .before_breadcrumb(|breadcrumb| Some(breadcrumb))
        .before_send_log(|log| (!log.body.contains("password")).then_some(log))
        .before_send_metric(|metric| Some(metric))
        .in_app_include(["shop"])
        .in_app_exclude(vec!["shop::vendored"])
        .max_breadcrumbs(50)
        .attach_stacktrace(true)
        .send_default_pii(true)
        .shutdown_timeout(Duration::from_millis(100))
        .max_request_body_size(sentry::MaxRequestBodySize::Explicit(4_096))
        .transport_channel_capacity(100)
        .accept_invalid_certs(false)
        .http_proxy("http://127.0.0.1:9")
        .https_proxy(String::from("http://127.0.0.1:9"))
        .user_agent("shop/1.0")
        .org_id(7.into())
        .strict_trace_continuation(true)
        .enable_logs(true)
        .enable_metrics(true)
}
