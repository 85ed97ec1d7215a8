//! What an event is about.

use std::borrow::Cow;

use crate::protocol::{Event, Exception, Frame, Level};

/// What tells kinds of events apart, in whatever form the event is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gist<'a> {
    /// The level.
    pub level: Level,
    /// The logger that brought it, if one did.
    pub logger: Option<&'a str>,
    /// The template of the message, else the message.
    pub text: Option<&'a str>,
    /// How it is grouped.
    pub fingerprint: &'a [Cow<'a, str>],
    /// The outermost exception.
    pub outermost: Option<Outermost<'a>>,
    /// Whether there is an exception that nothing handled.
    pub is_unhandled: bool,
}

/// The outermost exception of an event.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outermost<'a> {
    /// Its type.
    pub ty: &'a str,
    /// The module of its type.
    pub module: Option<&'a str>,
    /// The frames of its stack.
    pub frames: &'a [Frame],
}

impl<'a> Gist<'a> {
    pub(super) fn new(level: Level, fingerprint: &'a [Cow<'a, str>]) -> Self {
        Self { level, logger: None, text: None, fingerprint, outermost: None, is_unhandled: false }
    }
}

impl<'a> From<&'a Event<'_>> for Gist<'a> {
    fn from(event: &'a Event<'_>) -> Self {
        let template = event.logentry.as_ref().map(|entry| &entry.message);
        let handled = |exception: &Exception| exception.mechanism.as_ref().and_then(|it| it.handled);
        Self {
            logger: event.logger.as_deref(),
            text: template.or(event.message.as_ref()).map(String::as_str),
            outermost: event.exception.last().map(|exception| Outermost {
                ty: &exception.ty,
                module: exception.module.as_deref(),
                frames: exception.stacktrace.as_ref().map_or(&[], |stacktrace| &stacktrace.frames),
            }),
            is_unhandled: event.exception.iter().any(|exception| handled(exception) == Some(false)),
            ..Self::new(event.level, &event.fingerprint)
        }
    }
}
