//! The wire types: what Sentry receives, as Rust types.
//!
//! A file per noun. The types are plain: public fields, `Default`, `serde`. Three rules hold for all of them.
//!
//! - **Writing never fails.** Times outside of what the protocol can express are clamped, non-finite numbers are left
//!   out or written as `null`, see [`timestamp`].
//! - **Empty optional fields are left out**, ids are written as lower-case hex without dashes.
//! - **Reading is tolerant**: it accepts every form that the protocol allows (lists wrapped in `values` or bare, tags as
//!   a map or as pairs, times as numbers or text). Unknown fields are kept where a type has a field `other`.
//!
//! ```
//! use sentry_core::protocol::{Event, Level};
//!
//! let event = Event { message: Some("disk full".into()), level: Level::Warning, ..Event::default() };
//! let json = serde_json::to_value(&event).unwrap();
//! assert_eq!(json["level"], "warning");
//! assert_eq!(json["event_id"], event.event_id.simple().to_string());
//! ```

mod addr;
mod attachment;
mod attribute;
mod breadcrumb;
mod contexts;
mod crontab;
mod debug_meta;
mod dsc;
mod event;
mod exception;
mod id;
mod ip;
mod lenient;
mod level;
mod log;
mod log_entry;
mod measurement;
mod mechanism;
mod metric;
mod monitor;
mod number;
mod organization;
mod quantity;
mod request;
mod sample_rand;
mod sdk;
mod session;
mod span;
mod span_link;
mod span_status;
mod stacktrace;
mod stored;
mod template;
mod thread;
pub mod timestamp;
mod trace;
mod transaction;
mod unit;
mod user;
mod values;

pub use self::addr::{Addr, RegVal};
pub use self::attachment::{Attachment, AttachmentType, FileAttachment};
pub(crate) use self::attachment::{content_type_of, write_header as attachment_header};
pub use self::attribute::LogAttribute;
pub use self::breadcrumb::Breadcrumb;
pub use self::client_report::Report as ClientReport;
pub use self::contexts::{
    AppContext, BrowserContext, Context, CultureContext, DeviceContext, FeatureFlag, FeedbackContext,
    FlagsContext, GpuContext, Orientation, OsContext, OtelContext, ProfileContext, ResponseContext,
    RuntimeContext, TraceContext,
};
pub use self::crontab::CrontabParseError;
pub use self::debug_meta::{
    AppleDebugImage, DebugImage, DebugMeta, ProguardDebugImage, SymbolicDebugImage, SystemSdkInfo,
    WasmDebugImage,
};
pub use self::dsc::DynamicSamplingContext;
pub use self::event::Event;
pub use self::exception::Exception;
pub use self::ip::IpAddress;
pub use self::level::{Level, ParseLevelError};
pub use self::log::{Log, LogLevel, LogSeverityNumber};
pub use self::log_entry::LogEntry;
pub use self::measurement::Measurement;
pub use self::mechanism::{CError, MachException, Mechanism, MechanismMeta, PosixSignal};
pub use self::metric::{Metric, MetricType};
pub use self::monitor::{
    MonitorCheckIn, MonitorCheckInStatus, MonitorConfig, MonitorIntervalUnit, MonitorSchedule,
};
pub use self::organization::OrganizationId;
pub use self::quantity::Quantity;
pub use self::request::Request;
pub use self::sample_rand::{InvalidSampleRandError, SampleRand};
pub use self::sdk::{ClientSdkInfo, ClientSdkPackage};
pub(crate) use self::session::Unhandled;
pub use self::session::{
    ParseSessionStatusError, SessionAggregateItem, SessionAggregates, SessionAttributes, SessionStatus,
    SessionUpdate,
};
pub use self::span::Span;
pub use self::span_link::SpanLink;
pub use self::span_status::{ParseStatusError, SpanStatus};
pub use self::stacktrace::{Frame, Stacktrace};
pub use self::stored::{PutAway, Stored, StoredAttachment};
pub use self::template::TemplateInfo;
pub use self::thread::{Thread, ThreadId};
pub use self::trace::{ParseTraceIdError, SpanId, TraceId};
pub use self::transaction::{Transaction, TransactionInfo};
pub use self::unit::Unit;
pub use self::user::User;
pub use self::values::Values;

pub use crate::client_report::protocol as client_report;
pub use crate::envelope::{
    Envelope, EnvelopeError, EnvelopeFilter, EnvelopeFilterCallbacks, EnvelopeHeaders, EnvelopeItem,
    EnvelopeItemIter, ItemContainer,
};

pub use std::collections::BTreeMap as Map;

pub use serde_json::Value;
pub use url::Url;
pub use uuid::Uuid;

/// The map type of the protocol and what belongs to it.
pub mod map {
    pub use std::collections::BTreeMap as Map;
    pub use std::collections::btree_map::*;
}

/// Arbitrary JSON.
pub mod value {
    pub use serde_json::value::{Index, Map, Number, Value, from_value, to_value};
}

/// Identifiers of debug information files.
pub mod debugid {
    pub use ::debugid::{BreakpadFormat, CodeId, DebugId, ParseDebugIdError};
}
