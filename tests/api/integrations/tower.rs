//! `sentry::integrations::tower`: the layers.

use std::future::Future;
use std::sync::Arc;

use sentry::Hub;
use sentry::integrations::tower::{
    HubProvider, NewFromTopProvider, NewSentryLayer, NewSentryService, SentryLayer, SentryService,
};
use tower_layer::Layer;
use tower_service::Service;

struct Query;

type Provider = fn(&Query) -> Hub;

const _: fn() -> NewSentryLayer<Query> = NewSentryLayer::new_from_top;
const _: fn() -> SentryLayer<NewFromTopProvider, Arc<Hub>, Query> = SentryLayer::new_from_top;
const _: fn(Provider) -> SentryLayer<Provider, Hub, Query> = SentryLayer::new;
const _: fn(Arc<Hub>) -> SentryLayer<Arc<Hub>, Arc<Hub>, Query> = SentryLayer::new;
const _: fn(u8) -> NewSentryService<u8, Query> = NewSentryService::new_from_top;
const _: fn(u8) -> SentryService<u8, NewFromTopProvider, Arc<Hub>, Query> = SentryService::new_from_top;
const _: fn(Provider, u8) -> SentryService<u8, Provider, Hub, Query> = SentryService::new;
const _: fn(&Provider, &Query) -> Hub = HubProvider::hub;
const _: fn(&NewFromTopProvider, &Query) -> Arc<Hub> = HubProvider::hub;
implements!(NewFromTopProvider: Clone + Copy + HubProvider<Arc<Hub>, Query>);
implements!(Arc<Hub>: HubProvider<Arc<Hub>, Query>);
implements!(NewSentryLayer<Query>: Clone + Layer<u8> + Send + Sync);
implements!(NewSentryService<Echo, Query>: Clone + Service<Query, Response = u8> + Send + Sync);

/// A service of its own.
#[derive(Clone)]
struct Echo;

impl Service<Query> for Echo {
    type Response = u8;
    type Error = ();
    type Future = std::future::Ready<Result<u8, ()>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), ()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Query) -> Self::Future {
        std::future::ready(Ok(1))
    }
}

#[cfg(feature = "tower-http")]
mod http {
    use sentry::integrations::tower::{SentryHttpFuture, SentryHttpLayer, SentryHttpService};

    use super::*;

    type Answer = Result<::http::Response<()>, ()>;

    const _: fn() -> SentryHttpLayer = SentryHttpLayer::new;
    #[expect(deprecated, reason = "still used")]
    const _: fn() -> SentryHttpLayer = SentryHttpLayer::with_transaction;
    const _: fn(SentryHttpLayer) -> SentryHttpLayer = SentryHttpLayer::enable_pii;
    const _: fn(SentryHttpLayer) -> SentryHttpLayer = SentryHttpLayer::enable_transaction;
    implements!(SentryHttpLayer: Clone + Default + Layer<u8, Service = SentryHttpService<u8>>);
    implements!(SentryHttpFuture<std::future::Ready<Answer>>: Future<Output = Answer>);

    #[derive(Clone)]
    struct Empty;

    impl Service<::http::Request<()>> for Empty {
        type Response = ::http::Response<()>;
        type Error = ();
        type Future = std::future::Ready<Answer>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), ()>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: ::http::Request<()>) -> Self::Future {
            std::future::ready(Ok(::http::Response::new(())))
        }
    }

    implements!(SentryHttpService<Empty>: Clone + Service<::http::Request<()>, Response = ::http::Response<()>>);
}
