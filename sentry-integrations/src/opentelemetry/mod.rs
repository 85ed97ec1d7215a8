//! Spans of OpenTelemetry become transactions and spans, and its context carries our trace from service to service.
//!
//! ```text
//! tracer.start ─► SentrySpanProcessor::on_start ─► a span below the one above it, else a transaction
//! span.end     ─► SentrySpanProcessor::on_end   ─► its attributes, links, status and times; exceptions become events
//! inject       ─► SentryPropagator              ─► sentry-trace, baggage (and traceparent, if the options say so)
//! extract      ─► SentryPropagator              ─► the trace that local roots continue
//! ```
//!
//! All ids are those of OpenTelemetry. A span without a local parent is a transaction; what is below it by OpenTelemetry's own
//! ids is below it here, whichever thread it runs on. Whatever is captured while a span is active (errors, logs, metrics,
//! requests) belongs to that span, also if it is not recorded here.
//!
//! # Sampling
//!
//! What OpenTelemetry's sampler drops is never seen by a processor, and what it records without the sampled flag is not
//! recorded here. Of the rest, `traces_sample_rate` or `traces_sampler` decides, once for each transaction, with the attributes
//! the span began with; the decision of a service that called comes before the rate. A trace that is not sampled is passed on
//! as well, with that decision.
//!
//! # Attributes
//!
//! They become data. Those with a meaning name the span and set its operation, as they do for
#![cfg_attr(feature = "tracing", doc = "[`tracing`](crate::tracing):")]
#![cfg_attr(not(feature = "tracing"), doc = "`tracing`:")]
//! `db.*`, `http.*`, `url.*`, and beside those `rpc.system`, `messaging.system` and `gen_ai.operation.name`; `sentry.op` and
//! `sentry.name` come before all of them. Values in the text of queries are left out, and of URLs is shown what the options for
//! data collection allow.
//!
//! # Setting up
//!
//! ```
//! use opentelemetry::global;
//! use opentelemetry::trace::{Tracer, TracerProvider};
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use sentry_integrations::opentelemetry::{SentryPropagator, SentrySpanProcessor};
//!
//! global::set_text_map_propagator(SentryPropagator::new());
//! let provider = SdkTracerProvider::builder().with_span_processor(SentrySpanProcessor::new()).build();
//! global::set_tracer_provider(provider.clone());
//!
//! let tracer = provider.tracer("shop");
//! tracer.in_span("checkout", |_| tracer.in_span("pay", |_| {}));
//! ```

mod active;
mod content;
mod exceptions;
mod ids;
mod label;
mod late;
mod open;
mod processor;
mod propagator;
mod values;

pub use self::processor::SentrySpanProcessor;
pub use self::propagator::SentryPropagator;

#[cfg(test)]
mod tests;
