//! What fields of spans mean, whichever library they are recorded with: the conventions of OpenTelemetry, old and new.

mod kind;
mod meaning;
mod query;

pub(crate) use self::kind::Kind;
#[cfg(feature = "tracing")]
pub(crate) use self::meaning::ASKED;
#[cfg(feature = "opentelemetry")]
pub(crate) use self::meaning::show;
pub(crate) use self::meaning::understand;
