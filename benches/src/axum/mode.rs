//! The applications that are compared.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use tracing_subscriber::prelude::*;

/// An application, and what is put around it.
pub struct Mode {
    pub name: &'static str,
    pub app: fn() -> Router,
}

impl Mode {
    pub const ALL: &[Self] = &[
        Self { name: "bare", app: hello },
        Self { name: "a layer that does nothing", app: || hello().layer(nothing()) },
        Self { name: "two layers that do nothing", app: || hello().layer(nothing()).layer(nothing()) },
        Self { name: "ours, no client", app: || ours_layer(hello()) },
        Self { name: "ours, no tracing", app: || ours_layer(ours_client(None, hello())) },
        Self { name: "ours, 0 %", app: || ours_layer(ours_client(Some(0.0), hello())) },
        Self { name: "ours, 1 %", app: || ours_layer(ours_client(Some(0.01), hello())) },
        Self { name: "ours, 1 %, both layers", app: || ours_layers(ours_client(Some(0.01), hello())) },
        Self { name: "ours, 100 %", app: || ours_layer(ours_client(Some(1.0), hello())) },
        Self { name: "span, no subscriber", app: instrumented },
        Self { name: "span, registry", app: || subscribed(instrumented(), tracing_subscriber::registry()) },
        Self {
            name: "span, layer that does nothing",
            app: || subscribed(instrumented(), tracing_subscriber::registry().with(Nothing)),
        },
        Self { name: "span, ours, no client", app: || ours_spans(instrumented()) },
        Self { name: "span, ours, no tracing", app: || ours_spans(ours_client(None, instrumented())) },
        Self { name: "span, ours, 1 %", app: || ours_spans(ours_client(Some(0.01), instrumented())) },
        Self { name: "span, ours, 100 %", app: || ours_spans(ours_client(Some(1.0), instrumented())) },
        Self {
            name: "span, ours, both kinds, 1 %",
            app: || ours_spans(ours_layer(ours_client(Some(0.01), instrumented()))),
        },
        Self {
            name: "span, official, 1 %",
            app: || official_spans(official_client(Some(0.01), instrumented())),
        },
        Self {
            name: "span, official, 100 %",
            app: || official_spans(official_client(Some(1.0), instrumented())),
        },
        Self { name: "official, no tracing", app: || official_layers(official_client(None, hello())) },
        Self { name: "official, 1 %", app: || official_layers(official_client(Some(0.01), hello())) },
        Self { name: "official, 100 %", app: || official_layers(official_client(Some(1.0), hello())) },
    ];

    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|mode| mode.name == name)
    }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "Hello, World!" }))
}

/// One whose handler is a span of `tracing`.
fn instrumented() -> Router {
    #[tracing::instrument]
    async fn hello() -> &'static str {
        "Hello, World!"
    }
    Router::new().route("/", get(hello))
}

/// `app`, told to `subscriber` for as long as the process lives.
fn subscribed<S: Into<tracing::Dispatch>>(app: Router, subscriber: S) -> Router {
    tracing::dispatcher::set_global_default(subscriber.into()).expect("the first one");
    app
}

fn ours_spans(app: Router) -> Router {
    subscribed(app, tracing_subscriber::registry().with(ours::integrations::tracing::layer()))
}

fn official_spans(app: Router) -> Router {
    subscribed(app, tracing_subscriber::registry().with(official::integrations::tracing::layer()))
}

/// Is called for all that happens to a span, as ours is.
struct Nothing;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Nothing {}

fn nothing<S>() -> impl tower_layer::Layer<S, Service = S> + Clone {
    tower_layer::layer_fn(|service| service)
}

fn ours_layer(app: Router) -> Router {
    app.layer(ours::integrations::tower::SentryHttpLayer::new().enable_transaction())
}

fn ours_layers(app: Router) -> Router {
    ours_layer(app).layer(ours::integrations::tower::NewSentryLayer::<Request>::new_from_top())
}

/// The official HTTP layer does not work without the other one.
fn official_layers(app: Router) -> Router {
    app.layer(official::integrations::tower::SentryHttpLayer::new().enable_transaction())
        .layer(official::integrations::tower::NewSentryLayer::<Request>::new_from_top())
}

/// Takes what comes and drops it.
struct Discard;

macro_rules! client {
    ($name:ident, $sentry:ident) => {
        fn $name(rate: Option<f32>, app: Router) -> Router {
            use $sentry as sentry;
            let options = sentry::ClientOptions::new()
                .dsn("http://public@127.0.0.1:9/42")
                .release("shop@1.0.0")
                .transport(Arc::new(Discard));
            let options = match rate {
                Some(rate) => options.traces_sample_rate(rate),
                None => options,
            };
            // For as long as the process lives.
            std::mem::forget(sentry::init(options));
            app
        }
    };
}

client!(ours_client, ours);
client!(official_client, official);

impl ours::Transport for Discard {
    fn send_envelope(&self, envelope: ours::Envelope) {
        drop(envelope);
    }

    fn send(&self, outbound: ours::Outbound) {
        drop(outbound);
    }
}

impl official::Transport for Discard {
    fn send_envelope(&self, envelope: official::Envelope) {
        drop(envelope);
    }
}
