//! What is known of the surroundings of an event: device, system, runtime, trace, and whatever the user adds.

mod app;
mod browser;
mod culture;
mod device;
mod feedback;
mod flags;
mod gpu;
mod os;
mod otel;
mod profile;
mod response;
mod runtime;
mod trace;

pub use self::app::AppContext;
pub use self::browser::BrowserContext;
pub use self::culture::CultureContext;
pub use self::device::{DeviceContext, Orientation};
pub use self::feedback::FeedbackContext;
pub use self::flags::{FeatureFlag, FlagsContext};
pub use self::gpu::GpuContext;
pub use self::os::OsContext;
pub use self::otel::OtelContext;
pub use self::profile::ProfileContext;
pub use self::response::ResponseContext;
pub use self::runtime::RuntimeContext;
pub use self::trace::TraceContext;

use serde::de::{self, DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};

use super::{Map, Value};

macro_rules! contexts {
    ($($variant:ident($content:ident) = $name:literal: $doc:literal,)*) => {
        /// A typed or a custom context.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum Context {
            $(#[doc = $doc] #[serde(rename = $name)] $variant(Box<$content>),)*
            /// Anything else, written as it is.
            #[serde(untagged)]
            Other(Map<String, Value>),
        }

        impl Context {
            /// The name of its type; `unknown` for custom contexts.
            #[must_use]
            pub fn type_name(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)*
                    Self::Other(_) => "unknown",
                }
            }

            /// The context of the type `name` if `fields` make one.
            fn typed(name: &str, fields: &Fields) -> Option<Self> {
                match name {
                    $($name => content(fields).map(Self::$variant),)*
                    _ => None,
                }
            }
        }

        $(impl From<$content> for Context {
            fn from(content: $content) -> Self {
                Self::$variant(Box::new(content))
            }
        })*
    };
}

contexts! {
    App(AppContext) = "app": "The application.",
    Browser(BrowserContext) = "browser": "The browser of the user.",
    Culture(CultureContext) = "culture": "The language and region settings.",
    Device(DeviceContext) = "device": "The device.",
    Feedback(FeedbackContext) = "feedback": "What a user has to say.",
    Flags(FlagsContext) = "flags": "Feature flags.",
    Gpu(GpuContext) = "gpu": "The graphics processor.",
    Os(OsContext) = "os": "The operating system.",
    Otel(OtelContext) = "otel": "Data of OpenTelemetry.",
    Profile(ProfileContext) = "profile": "The profile that belongs to it.",
    Response(ResponseContext) = "response": "The HTTP response.",
    Runtime(RuntimeContext) = "runtime": "The language runtime.",
    Trace(TraceContext) = "trace": "The place in a trace.",
}

type Fields = serde_json::Map<String, Value>;

fn content<T: DeserializeOwned>(fields: &Fields) -> Option<Box<T>> {
    T::deserialize(fields).ok().map(Box::new)
}

impl Context {
    /// A context that stands under `name`, which is its type where it does not name another one.
    ///
    /// Fields that do not fit the type make it a custom context: nothing is lost.
    fn from_fields(name: Option<&str>, mut fields: Fields) -> Self {
        let ty = fields.remove("type");
        let name = ty.as_ref().and_then(Value::as_str).or(name);
        if let Some(context) = name.and_then(|name| Self::typed(name, &fields)) {
            return context;
        }
        fields.extend(ty.map(|ty| ("type".to_owned(), ty)));
        Self::Other(fields.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(fields) => Ok(Self::from_fields(None, fields)),
            _ => Err(de::Error::custom("a context is an object")),
        }
    }
}

/// For `deserialize_with`: contexts whose names may be their types. What is no object is skipped.
pub(super) fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Context>, D::Error> {
    let contexts = Option::<Map<String, Value>>::deserialize(deserializer)?.unwrap_or_default();
    let context = |(name, value): (String, Value)| match value {
        Value::Object(fields) => {
            let context = Context::from_fields(Some(&name), fields);
            Some((name, context))
        }
        _ => None,
    };
    Ok(contexts.into_iter().filter_map(context).collect())
}

#[cfg(test)]
mod tests;
