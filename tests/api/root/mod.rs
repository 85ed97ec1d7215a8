//! `sentry`: the root of the facade.

mod breadcrumbs;
mod client;
mod client_options;
mod doubles;
mod dsn;
mod functions;
mod hub;
mod integration;
mod propagation;
mod scope;
mod telemetry;
mod transaction;
mod transaction_context;
mod transport;
