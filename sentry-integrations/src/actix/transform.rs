//! What is wrapped around an application.

use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use sentry_core::Hub;

use super::errors::Errors;
use super::routes::Routes;
use super::{SentryBuilder, SentryMiddleware};

/// The middleware, to be wrapped around an `App`, a scope or a resource.
///
/// Each request has a new hub that begins with what [`Hub::main`] has, and the trace that it brings along, or one of its own.
/// Events tell its method, its URL and its headers, its cookies and its address as far as `data_collection` or
/// `send_default_pii` of the client permit. They are named by the pattern of the route, such as `GET /users/{id}`, or by the
/// path where none matches. With `auto_session_tracking` and the session mode `Request`, each request is a session.
///
/// While no client is active, requests pass through untouched.
#[derive(Clone, Default)]
pub struct Sentry {
    /// `None`: the main hub.
    pub(super) hub: Option<Arc<Hub>>,
    pub(super) with_transaction: bool,
    pub(super) errors: Errors,
}

impl Sentry {
    /// The middleware with its defaults: it captures the errors behind answers of 500 and above, and makes no transactions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a transaction for each request.
    #[must_use]
    pub fn with_transaction() -> Self {
        Self { with_transaction: true, ..Self::default() }
    }

    /// Begins with the defaults.
    pub fn builder() -> SentryBuilder {
        Self::new().into_builder()
    }

    /// Changes this one.
    pub fn into_builder(self) -> SentryBuilder {
        SentryBuilder { sentry: self }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Sentry
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = SentryMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(SentryMiddleware { service, sentry: self.clone(), routes: Routes::default() }))
    }
}

impl fmt::Debug for Sentry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentry")
            .field("start_transaction", &self.with_transaction)
            .field("capture_server_errors", &self.errors.are_captured)
            .field("emit_header", &self.errors.emit_header)
            .finish_non_exhaustive()
    }
}
