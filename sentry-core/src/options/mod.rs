//! What a client is told: [`ClientOptions`], and how they are read from the environment.
//!
//! ```text
//! code ──► ClientOptions ──► apply_env (fills what the code left unset) ──► validate / clamp ──► Client
//! ```
//!
//! Both ways of writing options work, a struct literal and setters:
//!
//! ```
//! use sentry_core::ClientOptions;
//!
//! let literal = ClientOptions { release: Some("shop@1.2.0".into()), sample_rate: 0.5, ..Default::default() };
//! let setters = ClientOptions::new().release("shop@1.2.0").sample_rate(0.5);
//! assert_eq!(literal.release, setters.release);
//! assert_eq!(literal.event_sample_rate(), setters.event_sample_rate());
//! ```
//!
//! Rates come in two generations of fields. A strategy (`event_sampling_strategy`, `traces_sampling_strategy`) that is
//! not the default wins over the plain fields (`sample_rate`, `traces_sample_rate`, `traces_sampler`).

mod body_size;
mod cache;
mod convert;
mod data_collection;
mod debug;
mod env;
mod errors;
mod fields;
mod flood;
mod http;
mod propagation;
mod sampling;
mod scrub;
mod session_mode;
mod setters;
mod spans;
mod spotlight;
mod traces;
mod validate;

pub use self::body_size::MaxRequestBodySize;
pub use self::cache::{CacheOptions, CachePolicy, Consent};
pub use self::convert::TryIntoOptions;
pub use self::data_collection::{DataCollection, HttpBody, KeyValue, is_secret};
pub use self::env::{EnvOptions, apply_env, env_text, host_name};
pub use self::errors::{BeforeSendWithHint, ErrorPattern, ErrorSampler};
pub(crate) use self::errors::{Named, errors_of};
pub use self::fields::{BeforeCallback, ClientOptions};
pub use self::flood::FloodControl;
pub use self::http::{HttpOptions, Resolver};
pub use self::propagation::PropagationTarget;
pub(crate) use self::sampling::SampleRate;
pub use self::sampling::{EventSamplingStrategy, TracesSampler, TracesSamplingStrategy};
pub use self::scrub::{ScrubField, ScrubLevel, ScrubOptions, ScrubRule};
pub use self::session_mode::SessionMode;
pub(crate) use self::spans::Beginning;
pub use self::spans::SpanPattern;
pub use self::spotlight::Spotlight;
pub(crate) use self::traces::is_ignored;
pub use self::traces::{BeforeSendSpan, TraceLifecycle};
pub use self::validate::OptionsError;
