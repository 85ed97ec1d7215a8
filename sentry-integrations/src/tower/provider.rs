//! Which hub a request gets.

use std::sync::Arc;

use sentry_core::Hub;

/// Says which hub a request gets: a function of the request, or a hub that all of them share.
pub trait HubProvider<H, Request>
where
    H: Into<Arc<Hub>>,
{
    /// The hub for `request`.
    fn hub(&self, request: &Request) -> H;
}

impl<H, F, Request> HubProvider<H, Request> for F
where
    F: Fn(&Request) -> H,
    H: Into<Arc<Hub>>,
{
    fn hub(&self, request: &Request) -> H {
        (self)(request)
    }
}

impl<Request> HubProvider<Self, Request> for Arc<Hub> {
    fn hub(&self, _: &Request) -> Self {
        Self::clone(self)
    }
}

/// Gives each request a hub of its own, which begins with what the current one has.
#[derive(Clone, Copy, Debug)]
pub struct NewFromTopProvider;

impl<Request> HubProvider<Arc<Hub>, Request> for NewFromTopProvider {
    fn hub(&self, _: &Request) -> Arc<Hub> {
        Hub::current().isolate_request()
    }
}
