//! What is taken out before anything leaves.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::options::ClientOptions;

/// A rule of the application: gets the name a text stands under (empty where it has none) and the text, and returns what
/// shall stand there instead.
pub type ScrubRule = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// How much is taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScrubLevel {
    /// Secrets, and what identifies a person in free text and where it was written down automatically without permission.
    #[default]
    Default,
    /// Nothing.
    Off,
    /// Also e-mail addresses, public IP addresses, home directories and literals of SQL wherever they stand.
    Strict,
}

/// A part of what is sent that can be exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScrubField {
    /// Names of attachments.
    Attachments,
    /// Bodies of requests and responses.
    Bodies,
    /// Breadcrumbs.
    Breadcrumbs,
    /// Contexts.
    Contexts,
    /// Messages of exceptions.
    Exceptions,
    /// Extra data.
    Extra,
    /// What users have to say.
    Feedback,
    /// Variables and source lines of stack traces.
    Frames,
    /// Logs.
    Logs,
    /// Messages.
    Messages,
    /// Metrics.
    Metrics,
    /// Check-ins.
    Monitors,
    /// URL, query, headers, cookies and environment of requests.
    Requests,
    /// Sessions.
    Sessions,
    /// Spans and names of transactions.
    Spans,
    /// Tags.
    Tags,
    /// The user.
    Users,
}

/// What is taken out before anything leaves. On by default.
///
/// ```
/// use sentry_core::ClientOptions;
/// use sentry_core::options::{ScrubField, ScrubOptions};
///
/// let options = ClientOptions::new().scrub(
///     ScrubOptions::default()
///         .deny(["badge_number"])
///         .skip(ScrubField::Frames)
///         .rule(|_key, text| text.contains("ACME-").then(|| "[internal]".to_owned())),
/// );
/// assert_eq!(options.scrub.deny.len(), 1);
/// ```
// Not `#[non_exhaustive]`, like `ClientOptions`: it is filled in with `..Default::default()`.
#[derive(Clone, Default)]
#[must_use]
pub struct ScrubOptions {
    /// How much.
    pub level: ScrubLevel,
    /// Names, or parts of them, whose values are taken out. Upper and lower case are the same, and so are `_` and `-`.
    pub deny: Vec<Cow<'static, str>>,
    /// Do without the built-in list of such names.
    pub only_deny: bool,
    /// If set: the only names whose values stay in tags, extra data, custom contexts, attributes and the like. What is
    /// denied is taken out nevertheless.
    pub allow: Option<Vec<Cow<'static, str>>>,
    /// What is left as it is.
    pub skip: Vec<ScrubField>,
    /// A rule of the application, asked for every text that is left. If it panics, the text is taken out.
    pub rule: Option<ScrubRule>,
}

impl ScrubOptions {
    /// Nothing is taken out.
    pub fn off() -> Self {
        Self { level: ScrubLevel::Off, ..Self::default() }
    }

    /// Also what identifies a person, wherever it stands.
    pub fn strict() -> Self {
        Self { level: ScrubLevel::Strict, ..Self::default() }
    }

    /// Adds names whose values are taken out.
    pub fn deny<T: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.deny.extend(names.into_iter().map(Into::into));
        self
    }

    /// Takes out the values of these names instead of those of the built-in list.
    pub fn deny_only<T: Into<Cow<'static, str>>>(self, names: impl IntoIterator<Item = T>) -> Self {
        Self { deny: names.into_iter().map(Into::into).collect(), only_deny: true, ..self }
    }

    /// Adds names whose values stay; those of all others go.
    pub fn allow<T: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.allow.get_or_insert_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// Leaves a part as it is.
    pub fn skip(mut self, field: ScrubField) -> Self {
        self.skip.push(field);
        self
    }

    /// Sets a rule of the application.
    pub fn rule<F>(self, rule: F) -> Self
    where
        F: Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
    {
        Self { rule: Some(Arc::new(rule)), ..self }
    }
}

impl fmt::Debug for ScrubOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScrubOptions")
            .field("level", &self.level)
            .field("deny", &self.deny)
            .field("only_deny", &self.only_deny)
            .field("allow", &self.allow)
            .field("skip", &self.skip)
            .field("rule", &self.rule.is_some())
            .finish()
    }
}

impl ClientOptions {
    /// Sets what is taken out before anything leaves.
    pub fn scrub(self, scrub: ScrubOptions) -> Self {
        Self { scrub, ..self }
    }
}
