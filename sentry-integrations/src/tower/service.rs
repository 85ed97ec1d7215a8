//! A service whose requests have hubs.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use sentry_core::{Hub, SentryFuture, SentryFutureExt};
use tower_service::Service;

use super::{HubProvider, NewFromTopProvider};

/// A service each request of which has a new hub.
pub type NewSentryService<S, Request> = SentryService<S, NewFromTopProvider, Arc<Hub>, Request>;

/// A service each request of which has a hub.
pub struct SentryService<S, P, H, Request>
where
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    service: S,
    provider: P,
    // It holds neither.
    of: PhantomData<fn(&Request) -> H>,
}

impl<S, P, H, Request> SentryService<S, P, H, Request>
where
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    /// Lets `provider` say which.
    pub fn new(provider: P, service: S) -> Self {
        Self { service, provider, of: PhantomData }
    }
}

impl<S, Request> NewSentryService<S, Request> {
    /// A new one each, which begins with what the current hub has.
    pub fn new_from_top(service: S) -> Self {
        Self::new(NewFromTopProvider, service)
    }
}

impl<S, P, H, Request> Service<Request> for SentryService<S, P, H, Request>
where
    S: Service<Request>,
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SentryFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let hub = self.provider.hub(&request).into();
        Hub::run(Arc::clone(&hub), || self.service.call(request)).bind_hub(hub)
    }
}

impl<S, P, H, Request> Clone for SentryService<S, P, H, Request>
where
    S: Clone,
    P: HubProvider<H, Request> + Clone,
    H: Into<Arc<Hub>>,
{
    fn clone(&self) -> Self {
        Self::new(self.provider.clone(), self.service.clone())
    }
}

impl<S, P, H, Request> fmt::Debug for SentryService<S, P, H, Request>
where
    S: fmt::Debug,
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryService").field("service", &self.service).finish_non_exhaustive()
    }
}
