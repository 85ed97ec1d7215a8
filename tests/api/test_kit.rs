//! `sentry::test`: what applications test their own captures with.

use std::sync::Arc;

use sentry::protocol::{Envelope, Event};
use sentry::test::{
    TestTransport, with_captured_envelopes, with_captured_envelopes_options, with_captured_events,
    with_captured_events_options,
};
use sentry::{ClientOptions, Transport, TransportFactory};

const _: fn(fn()) -> Vec<Envelope> = with_captured_envelopes;
const _: fn(fn(), ClientOptions) -> Vec<Envelope> = with_captured_envelopes_options;
const _: fn(fn(), &'static str) -> Vec<Envelope> = with_captured_envelopes_options;
const _: fn(fn()) -> Vec<Event<'static>> = with_captured_events;
const _: fn(fn(), ClientOptions) -> Vec<Event<'static>> = with_captured_events_options;
const _: fn(fn(), (&'static str, ClientOptions)) -> Vec<Event<'static>> = with_captured_events_options;

const _: fn() -> Arc<TestTransport> = TestTransport::new;
const _: fn(&TestTransport) -> Vec<Envelope> = TestTransport::fetch_and_clear_envelopes;
const _: fn(&TestTransport) -> Vec<Event<'static>> = TestTransport::fetch_and_clear_events;
implements!(TestTransport: Transport);
implements!(Arc<TestTransport>: TransportFactory);
