//! The layer that gives each request a hub.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use sentry_core::Hub;
use tower_layer::Layer;

use super::{HubProvider, NewFromTopProvider, SentryService};

/// The layer that gives each request a new hub.
pub type NewSentryLayer<Request> = SentryLayer<NewFromTopProvider, Arc<Hub>, Request>;

/// Gives each request a hub.
pub struct SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    provider: P,
    // It holds neither.
    of: PhantomData<fn(&Request) -> H>,
}

impl<P, H, Request> SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    /// Lets `provider` say which.
    pub fn new(provider: P) -> Self {
        Self { provider, of: PhantomData }
    }
}

impl<Request> NewSentryLayer<Request> {
    /// A new one each, which begins with what the current hub has.
    #[must_use]
    pub fn new_from_top() -> Self {
        Self::new(NewFromTopProvider)
    }
}

impl<S, P, H, Request> Layer<S> for SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request> + Clone,
    H: Into<Arc<Hub>>,
{
    type Service = SentryService<S, P, H, Request>;

    fn layer(&self, service: S) -> Self::Service {
        SentryService::new(self.provider.clone(), service)
    }
}

impl<P, H, Request> Clone for SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request> + Clone,
    H: Into<Arc<Hub>>,
{
    fn clone(&self) -> Self {
        Self::new(self.provider.clone())
    }
}

impl<P, H, Request> fmt::Debug for SentryLayer<P, H, Request>
where
    P: HubProvider<H, Request>,
    H: Into<Arc<Hub>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryLayer").finish_non_exhaustive()
    }
}
