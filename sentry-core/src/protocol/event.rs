//! Errors and messages.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::{clock, rng};

use super::{
    Breadcrumb, ClientSdkInfo, Context, DebugMeta, Exception, Level, LogEntry, Map, Request, Stacktrace,
    TemplateInfo, Thread, User, Uuid, Value, Values, contexts, id, lenient, timestamp,
};

/// An error, a message or a crash.
///
/// `Event::default()` has a random id and the time of this moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event<'a> {
    /// Its id.
    #[serde(with = "id")]
    pub event_id: Uuid,
    /// How severe it is.
    pub level: Level,
    /// How it is grouped; `{{ default }}` stands for the grouping of the server.
    #[serde(skip_serializing_if = "is_default_fingerprint")]
    pub fingerprint: Cow<'a, [Cow<'a, str>]>,
    /// Where in the code it happened. Superseded by `transaction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub culprit: Option<String>,
    /// The transaction or task it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// A message without parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// A message with its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logentry: Option<LogEntry>,
    /// The name of the logger that recorded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logger: Option<String>,
    /// The loaded modules and their versions.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::string_map")]
    pub modules: Map<String, String>,
    /// The platform; `native` lets the server symbolicate.
    pub platform: Cow<'a, str>,
    /// When it happened.
    #[serde(with = "timestamp::seconds")]
    pub timestamp: SystemTime,
    /// The name of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<Cow<'a, str>>,
    /// The version of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Cow<'a, str>>,
    /// The build of that version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dist: Option<Cow<'a, str>>,
    /// Where the application runs: `production`, `staging`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Cow<'a, str>>,
    /// Who was affected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// The HTTP request that was being served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// Typed and custom contexts, by name.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "contexts::by_name")]
    pub contexts: Map<String, Context>,
    /// What happened before, oldest first.
    #[serde(skip_serializing_if = "Values::is_empty")]
    pub breadcrumbs: Values<Breadcrumb>,
    /// The error and its causes, innermost cause first.
    #[serde(skip_serializing_if = "Values::is_empty")]
    pub exception: Values<Exception>,
    /// A stack trace that belongs to no exception. Superseded by `threads`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    /// The place in a template where it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateInfo>,
    /// The threads of the process.
    #[serde(skip_serializing_if = "Values::is_empty")]
    pub threads: Values<Thread>,
    /// Searchable labels.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::string_map")]
    pub tags: Map<String, String>,
    /// Arbitrary data.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub extra: Map<String, Value>,
    /// What is needed to symbolicate the stack traces.
    #[serde(skip_serializing_if = "has_no_debug_meta", deserialize_with = "lenient::or_default")]
    pub debug_meta: Cow<'a, DebugMeta>,
    /// The SDK that sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<Cow<'a, ClientSdkInfo>>,
    /// What was changed before it was sent: a tree like the event itself, with remarks under empty names.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<Box<Map<String, Value>>>,
}

const DEFAULT_FINGERPRINT: &[Cow<'static, str>] = &[Cow::Borrowed("{{ default }}")];

impl<'a> Event<'a> {
    pub(crate) const DEFAULT_FINGERPRINT: &'static [Cow<'static, str>] = DEFAULT_FINGERPRINT;

    /// An empty event of this moment with a random id.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `Event::default()` without asking for an id and for the time.
    pub(crate) fn blank(event_id: Uuid, timestamp: SystemTime) -> Self {
        Self {
            event_id,
            level: Level::Error,
            fingerprint: Cow::Borrowed(DEFAULT_FINGERPRINT),
            culprit: None,
            transaction: None,
            message: None,
            logentry: None,
            logger: None,
            modules: Map::new(),
            platform: Cow::Borrowed("other"),
            timestamp,
            server_name: None,
            release: None,
            dist: None,
            environment: None,
            user: None,
            request: None,
            contexts: Map::new(),
            breadcrumbs: Values::new(),
            exception: Values::new(),
            stacktrace: None,
            template: None,
            threads: Values::new(),
            tags: Map::new(),
            extra: Map::new(),
            debug_meta: Cow::Owned(DebugMeta::default()),
            sdk: None,
            meta: None,
        }
    }

    /// Detaches it from everything it borrows.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        Event {
            event_id: self.event_id,
            level: self.level,
            fingerprint: Cow::Owned(
                self.fingerprint.iter().map(|part| Cow::Owned(part.to_string())).collect(),
            ),
            culprit: self.culprit,
            transaction: self.transaction,
            message: self.message,
            logentry: self.logentry,
            logger: self.logger,
            modules: self.modules,
            platform: owned(self.platform),
            timestamp: self.timestamp,
            server_name: self.server_name.map(owned),
            release: self.release.map(owned),
            dist: self.dist.map(owned),
            environment: self.environment.map(owned),
            user: self.user,
            request: self.request,
            contexts: self.contexts,
            breadcrumbs: self.breadcrumbs,
            exception: self.exception,
            stacktrace: self.stacktrace,
            template: self.template,
            threads: self.threads,
            tags: self.tags,
            extra: self.extra,
            debug_meta: owned(self.debug_meta),
            sdk: self.sdk.map(owned),
            meta: self.meta,
        }
    }
}

/// The same value, borrowed from nothing.
pub(super) fn owned<T: ToOwned + ?Sized>(value: Cow<'_, T>) -> Cow<'static, T> {
    Cow::Owned(value.into_owned())
}

fn is_default_fingerprint(fingerprint: &[Cow<'_, str>]) -> bool {
    fingerprint == DEFAULT_FINGERPRINT
}

fn has_no_debug_meta(debug_meta: &DebugMeta) -> bool {
    debug_meta.is_empty()
}

impl Default for Event<'_> {
    fn default() -> Self {
        let timestamp = clock::now();
        Self::blank(rng::uuid_at(timestamp), timestamp)
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event(id: {}, ts: {})", self.event_id, timestamp::to_rfc3339(self.timestamp))
    }
}

#[cfg(test)]
mod tests;
