//! Middleware for `actix-web`: each request has a hub and a trace of its own, and what goes wrong in it is reported.
//!
//! ```text
//! request ─► Sentry ─► routing ─► handler ─► answer
//!            a hub, sentry-trace, baggage    5xx with an error ─► event, x-sentry-event
//!            GET /users/{id} ─► transaction  status            ─► end of transaction and session
//! ```
//!
//! Workers of `actix` are threads that poll many requests by turns: whichever is polled, or dropped, has its hub as the
//! current one. What a handler sets on a scope, no other request sees, and a panic is captured with the scope of its request.
//!
//! ```
//! use actix_web::{App, HttpResponse, test, web};
//! use sentry_integrations::actix::Sentry;
//!
//! # #[actix_web::main]
//! # async fn main() {
//! let sentry = Sentry::builder().start_transaction(true).emit_header(true).finish();
//! let user = async |id: web::Path<u32>| {
//!     sentry_core::configure_scope(|scope| scope.set_tag("user", &id)); // for this request only
//!     HttpResponse::Ok()
//! };
//! let app = App::new().wrap(sentry).route("/users/{id}", web::get().to(user)); // GET /users/{id}
//! # let app = test::init_service(app).await;
//! # let request = test::TestRequest::get().uri("/users/7").to_request();
//! # assert!(test::call_service(&app, request).await.status().is_success());
//! # }
//! ```
//!
//! `actix` calls the middleware that is wrapped around last first: put this one last, so that the others are within it. Once is
//! enough: one around an `App` and one around a scope in it make a transaction each, in traces of their own.

mod body;
mod builder;
mod errors;
mod future;
mod middleware;
mod request;
mod routes;
mod transform;

pub use self::builder::SentryBuilder;
pub use self::future::SentryMiddlewareFuture;
pub use self::middleware::SentryMiddleware;
pub use self::transform::Sentry;

#[cfg(test)]
mod tests;
