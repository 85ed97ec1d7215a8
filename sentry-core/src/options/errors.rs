//! Which errors are sent, and how many of them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::ErrorLink;
use crate::hint::Hint;
use crate::options::{ClientOptions, SampleRate};
use crate::protocol::Event;
use crate::suppress::guarded;

/// A function that changes or drops (`None`) an event, with what it was made of in hand.
pub type BeforeSendWithHint = Arc<dyn Fn(Event<'static>, &Hint<'_>) -> Option<Event<'static>> + Send + Sync>;

/// Decides with which probability (0.0 to 1.0) an event is kept.
pub type ErrorSampler = Arc<dyn Fn(&Event<'static>, &Hint<'_>) -> f32 + Send + Sync>;

/// Errors that are not sent.
///
/// An error, and each of its sources, is looked at as `Type: message`, such as
/// `ParseIntError: invalid digit found in string`. A text ignores those that contain it.
///
/// ```
/// use sentry_core::options::ErrorPattern;
/// use sentry_core::{ClientOptions, test::with_captured_events_options};
///
/// let options = ClientOptions::new()
///     .ignore_errors(["invalid digit", "ParseFloatError"])
///     .ignore_errors([ErrorPattern::of::<std::fmt::Error>()])
///     .ignore_errors([ErrorPattern::matching(|error| error.ends_with("too large"))]);
/// let events = with_captured_events_options(
///     || {
///         sentry_core::capture_error(&"x".parse::<u8>().unwrap_err());
///         sentry_core::capture_error(&"x".parse::<f32>().unwrap_err());
///         sentry_core::capture_error(&std::fmt::Error);
///         sentry_core::capture_error(&"".parse::<u8>().unwrap_err());
///     },
///     options,
/// );
/// assert_eq!(events.len(), 1);
/// ```
#[derive(Clone)]
pub struct ErrorPattern(Kind);

#[derive(Clone)]
enum Kind {
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
    Part(Cow<'static, str>),
    Type { name: &'static str, is: fn(&(dyn Error + 'static)) -> bool },
}

impl ErrorPattern {
    /// Those whose `Type: message` a function accepts, such as `is_match` of a regular expression. A panic in it ignores
    /// nothing.
    pub fn matching<F>(accepts: F) -> Self
    where
        F: Fn(&str) -> bool + Send + Sync + 'static,
    {
        Self(Kind::Matching(Arc::new(accepts)))
    }

    /// Those of the type `E`, captured or the source of what was captured.
    #[must_use]
    pub fn of<E: Error + 'static>() -> Self {
        Self(Kind::Type { name: std::any::type_name::<E>(), is: |error| error.is::<E>() })
    }

    fn matches(&self, error: &Named<'_>) -> bool {
        match &self.0 {
            Kind::Matching(accepts) => guarded("ignore_errors", || accepts(&error.text())).unwrap_or(false),
            Kind::Part(part) if part.is_empty() => false,
            // What most texts are: no need to put the two together.
            Kind::Part(part) => {
                error.value.contains(&**part) || error.ty.contains(&**part) || error.text().contains(&**part)
            }
            Kind::Type { name, .. } => error.is_named(name),
        }
    }

    /// Whether one of the errors at hand is of its type.
    fn is_type_of_any(&self, hint: &Hint<'_>) -> bool {
        let Kind::Type { name, is } = &self.0 else { return false };
        // Sources are followed by code of the user's.
        hint.error_type() == Some(name) || guarded("ignore_errors", || hint.errors().any(is)).unwrap_or(false)
    }
}

impl From<&'static str> for ErrorPattern {
    /// Those whose `Type: message` contains a text.
    fn from(part: &'static str) -> Self {
        Self(Kind::Part(part.into()))
    }
}

impl From<String> for ErrorPattern {
    /// Those whose `Type: message` contains a text.
    fn from(part: String) -> Self {
        Self(Kind::Part(part.into()))
    }
}

impl fmt::Debug for ErrorPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Matching(_) => f.write_str("Matching"),
            Kind::Part(part) => part.fmt(f),
            Kind::Type { name, .. } => write!(f, "Type({name})"),
        }
    }
}

/// An error as patterns see it.
pub(crate) struct Named<'a> {
    ty: &'a str,
    module: Option<&'a str>,
    value: &'a str,
}

impl Named<'_> {
    fn text(&self) -> String {
        format!("{}: {}", self.ty, self.value)
    }

    /// Whether its names are those of the type at `path`. Generic arguments are not part of them, and that of an enum has
    /// the name of its variant behind it.
    fn is_named(&self, path: &str) -> bool {
        let path = path.split('<').next().unwrap_or(path);
        let (module, name) =
            path.rsplit_once("::").map_or((None, path), |(module, name)| (Some(module), name));
        let ty = self.ty.split("::").next().unwrap_or(self.ty);
        module.is_some() && self.module == module && ty == name
    }
}

impl<'a> From<&'a ErrorLink> for Named<'a> {
    fn from(link: &'a ErrorLink) -> Self {
        Self { ty: &link.ty, module: link.module, value: &link.value }
    }
}

/// The errors of an event.
pub(crate) fn errors_of<'a>(event: &'a Event<'_>) -> impl Iterator<Item = Named<'a>> {
    event.exception.iter().map(|exception| Named {
        ty: &exception.ty,
        module: exception.module.as_deref(),
        value: exception.value.as_deref().unwrap_or_default(),
    })
}

impl ClientOptions {
    /// Sets a function that changes or drops events, with the error they were made of in hand. Runs after `before_send`, where
    /// that runs; a panic in it drops the event.
    ///
    /// ```
    /// use sentry_core::ClientOptions;
    ///
    /// let options = ClientOptions::new().before_send_with_hint(|mut event, hint| {
    ///     if let Some(error) = hint.error::<std::io::Error>() {
    ///         event.tags.insert("io.kind".into(), format!("{:?}", error.kind()));
    ///     }
    ///     Some(event)
    /// });
    /// let error = std::io::Error::from(std::io::ErrorKind::NotFound);
    /// let capture = || _ = sentry_core::capture_error_typed(&error);
    /// let events = sentry_core::test::with_captured_events_options(capture, options);
    /// assert_eq!(events[0].tags["io.kind"], "NotFound");
    /// ```
    pub fn before_send_with_hint<F>(self, f: F) -> Self
    where
        F: Fn(Event<'static>, &Hint<'_>) -> Option<Event<'static>> + Send + Sync + 'static,
    {
        Self { before_send_with_hint: Some(Arc::new(f)), ..self }
    }

    /// Drops errors, and panics, of which one of these is true, or is true of a source of theirs. No callback is asked, and
    /// no session is told. Messages are no errors.
    ///
    /// Texts, types and functions: see [`ErrorPattern`].
    pub fn ignore_errors<P: Into<ErrorPattern>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.ignore_errors.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Sets a function that decides with which probability an event is kept, after all other callbacks. Wins over
    /// `sample_rate`, which stays in force where the function panics or returns something that is no probability.
    ///
    /// ```
    /// use sentry_core::{ClientOptions, Level};
    ///
    /// let options = ClientOptions::new()
    ///     .error_sampler(|event, _hint| if event.level == Level::Fatal { 1.0 } else { 0.0 });
    /// let capture = || {
    ///     sentry_core::capture_message("kept", Level::Fatal);
    ///     sentry_core::capture_message("not kept", Level::Info);
    /// };
    /// let events = sentry_core::test::with_captured_events_options(capture, options);
    /// assert_eq!(events.len(), 1);
    /// ```
    pub fn error_sampler<F>(self, sampler: F) -> Self
    where
        F: Fn(&Event<'static>, &Hint<'_>) -> f32 + Send + Sync + 'static,
    {
        Self { error_sampler: Some(Arc::new(sampler)), ..self }
    }

    /// Whether `ignore_errors` says so of one of `errors`.
    pub(crate) fn ignores<'a>(&self, mut errors: impl Iterator<Item = Named<'a>>, hint: &Hint<'_>) -> bool {
        let patterns = &self.ignore_errors;
        !patterns.is_empty()
            && (errors.any(|error| patterns.iter().any(|pattern| pattern.matches(&error)))
                || patterns.iter().any(|pattern| pattern.is_type_of_any(hint)))
    }

    /// The probability with which an event is kept.
    pub(crate) fn rate_for(&self, event: &Event<'static>, hint: &Hint<'_>) -> f32 {
        let Some(sampler) = &self.error_sampler else { return self.event_sample_rate() };
        let rate = guarded("error_sampler", || sampler(event, hint)).ok().and_then(SampleRate::new);
        if rate.is_none() {
            crate::diagnostics::warn_once("error_sampler rate", || {
                "error_sampler returned no number from 0.0 to 1.0; sample_rate was used".into()
            });
        }
        rate.map_or_else(|| self.event_sample_rate(), SampleRate::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'a>(module: &'a str, ty: &'a str) -> Named<'a> {
        Named { ty, module: Some(module), value: "no" }
    }

    #[test]
    fn a_text_is_looked_for_in_type_and_message() {
        let error = Named { ty: "Order::Declined", module: None, value: "no funds" };
        for part in ["Order", "Declined", "funds", "Declined: no"] {
            assert!(ErrorPattern::from(part).matches(&error), "{part}");
        }
        for part in ["", "order", "funds: "] {
            assert!(!ErrorPattern::from(part.to_owned()).matches(&error), "{part}");
        }
    }

    #[test]
    fn a_type_is_known_by_its_path() {
        struct Wrapped<T>(T);
        impl<T> fmt::Debug for Wrapped<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Self(_) = self;
                f.write_str("Wrapped")
            }
        }
        impl<T> fmt::Display for Wrapped<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("wrapped")
            }
        }
        impl<T> Error for Wrapped<T> {}
        let pattern = ErrorPattern::of::<Wrapped<fmt::Error>>();
        let module = "sentry_core::options::errors::tests::a_type_is_known_by_its_path";
        assert!(pattern.matches(&named(module, "Wrapped")));
        assert!(pattern.matches(&named(module, "Wrapped::Variant")));
        assert!(!pattern.matches(&named("elsewhere", "Wrapped")));
        assert!(!pattern.matches(&Named { module: None, ..named("", "Wrapped") }));
    }

    #[test]
    fn a_function_that_panics_ignores_nothing() {
        let options = ClientOptions::new().ignore_errors([ErrorPattern::matching(|_| panic!("by the test"))]);
        assert!(!options.ignores([named("m", "T")].into_iter(), &Hint::new()));
    }

    #[test]
    fn a_sampler_that_makes_no_sense_leaves_it_to_the_rate() {
        let event = Event::default();
        for rate in [f32::NAN, -0.1, 1.1] {
            let options = ClientOptions::new().sample_rate(0.25).error_sampler(move |_, _| rate);
            assert_eq!(options.rate_for(&event, &Hint::new()), 0.25);
        }
        let panics = ClientOptions::new().sample_rate(0.25).error_sampler(|_, _| panic!("by the test"));
        assert_eq!(panics.rate_for(&event, &Hint::new()), 0.25);
        let sampler = ClientOptions::new().sample_rate(0.25).error_sampler(|_, _| 0.5);
        assert_eq!(sampler.rate_for(&event, &Hint::new()), 0.5);
    }

    #[test]
    fn debug_shows_what_can_be_shown() {
        let options = ClientOptions::new()
            .ignore_errors(["a"])
            .ignore_errors([ErrorPattern::of::<fmt::Error>(), ErrorPattern::matching(|_| false)]);
        assert_eq!(format!("{:?}", options.ignore_errors), r#"["a", Type(core::fmt::Error), Matching]"#);
    }
}
