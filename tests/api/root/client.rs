//! The client.

use std::fmt::Debug;
use std::ops::Deref;
use std::panic::RefUnwindSafe;
use std::time::Duration;

use sentry::protocol::{Envelope, Event, Uuid};
use sentry::types::Dsn;
use sentry::{Client, ClientInitGuard, ClientOptions, Scope};

const _: fn(&Client, Event<'static>, Option<&Scope>) -> Uuid = Client::capture_event;
const _: fn(&Client, Option<Duration>) -> bool = Client::close;
const _: fn(&Client) -> Option<&Dsn> = Client::dsn;
const _: fn(&Client, Option<Duration>) -> bool = Client::flush;
const _: fn(&Client) -> bool = Client::is_enabled;
const _: fn(&Client) -> &ClientOptions = Client::options;
const _: fn(&Client, Event<'static>, Option<&Scope>) -> Option<Event<'static>> = Client::prepare_event;
const _: fn(&Client, f32) -> bool = Client::sample_should_send;
const _: fn(&Client, Envelope) = Client::send_envelope;
const _: fn(ClientOptions) -> Client = Client::with_options;
const _: fn(ClientOptions) -> Client = Client::from_config;
const _: fn((&'static str, ClientOptions)) -> Client = Client::from_config;
const _: fn(&'static str) -> Client = Client::from;
implements!(Client: Clone + Debug + From<String> + RefUnwindSafe + Send + Sync);

const _: fn(&ClientInitGuard) -> bool = ClientInitGuard::is_enabled;
implements!(ClientInitGuard: Deref<Target = Client> + Send + Sync);
