//! `sentry::protocol`: the wire types, a file per noun.

mod addr;
mod attachment;
mod breadcrumb;
mod check_in;
mod client_report;
mod context;
mod debug_image;
mod dynamic_sampling;
mod envelope;
mod envelope_item;
mod event;
mod exception;
mod log;
mod metric;
mod names;
mod request;
mod sdk;
mod session;
mod stacktrace;
mod trace;
mod values;
