//! Errors as exceptions: their names, their texts, their sources.
//!
//! The outermost error is named by its type; for everything behind `dyn Error` the type is gone, and the leading
//! identifier of its `Debug` text has to do, where that text looks like derived `Debug` and not like prose.

use std::error::Error;
use std::fmt::{self, Write as _};

use crate::protocol::{Event, Exception, Level, Mechanism};
use crate::suppress::guarded;

/// Sources followed at most: a chain may be a cycle.
const MAX_CHAIN: usize = 50;

/// Makes an event of an error and its sources, the outermost last.
///
/// ```
/// let error = "x".parse::<u8>().unwrap_err();
/// let event = sentry_core::event_from_error(&error);
/// assert_eq!(event.exception[0].ty, "ParseIntError");
/// assert_eq!(event.exception[0].value.as_deref(), Some("invalid digit found in string"));
/// ```
#[must_use]
pub fn event_from_error<E: Error + ?Sized>(error: &E) -> Event<'static> {
    let mut values = exceptions(error);
    link_chain(&mut values);
    Event { exception: values.into(), level: Level::Error, ..Event::default() }
}

/// The type name at the beginning of a `Debug` text: everything before the first space, parenthesis or brace.
///
/// ```
/// assert_eq!(sentry_core::parse_type_from_debug("ParseIntError { kind: InvalidDigit }"), "ParseIntError");
/// ```
#[must_use]
pub fn parse_type_from_debug(debug: &str) -> &str {
    debug.split(&[' ', '(', '{', '\r', '\n']).next().map_or(debug, str::trim)
}

/// The chain, the outermost error last, not linked yet.
pub(crate) fn exceptions<E: Error + ?Sized>(error: &E) -> Vec<Exception> {
    let mut values = Vec::with_capacity(4);
    let (value, variant) = describe(error);
    let (ty, module) = outermost_name(std::any::type_name::<E>(), variant);
    values.push(Exception { ty, module, value: Some(value), ..Exception::default() });
    let mut source = error.source();
    while let Some(error) = source
        && values.len() < MAX_CHAIN
    {
        let (value, name) = describe(error);
        let ty = if name.is_empty() { "Error".to_owned() } else { name };
        values.push(Exception { ty, value: Some(value), ..Exception::default() });
        source = error.source();
    }
    values.reverse();
    values
}

/// Writes the mechanism of each exception: handled, and which one is the cause of which.
pub(crate) fn link_chain(values: &mut [Exception]) {
    let last = values.len().saturating_sub(1);
    for (index, exception) in values.iter_mut().enumerate() {
        // Ids count from the outermost error, which is the last in the list.
        let id = (last - index) as u64;
        let is_root = id == 0;
        exception.mechanism.get_or_insert_with(|| Mechanism {
            ty: if is_root { "generic" } else { "chained" }.to_owned(),
            handled: Some(true),
            source: (!is_root).then(|| "source".to_owned()),
            exception_id: (last > 0).then_some(id),
            parent_id: (!is_root).then(|| id - 1),
            ..Mechanism::default()
        });
    }
}

/// `Display`, and the leading identifier of `Debug` (empty if there is none). Both are the user's code.
fn describe<E: Error + ?Sized>(error: &E) -> (String, String) {
    guarded("Display of an error", || {
        let mut value = String::new();
        let complete = write!(value, "{error}").is_ok();
        if !complete {
            value.push_str("<the error failed to format itself>");
        }
        let mut head = Head::default();
        // Stops early by design: only the beginning is of interest.
        let _ = write!(head, "{error:?}");
        let name = head.identifier().filter(|name| !is_word_of(name, &value)).unwrap_or_default().to_owned();
        (value, name)
    })
    .unwrap_or_else(|_| ("<the error panicked while formatting itself>".to_owned(), String::new()))
}

/// Whether `Debug` only repeats `Display`, as many hand-written errors do.
fn is_word_of(name: &str, display: &str) -> bool {
    display.starts_with(name)
}

/// Takes the beginning of a text and then refuses more, which ends the formatting.
#[derive(Default)]
struct Head(String);

impl fmt::Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const ENOUGH: usize = 128;
        for c in text.chars() {
            self.0.push(c);
            let goes_on = is_word(c) || (c == ':' && !self.0.ends_with("::"));
            if !goes_on || self.0.len() >= ENOUGH {
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}

impl Head {
    /// `[A-Z]\w*` up to the end, a space, a parenthesis, a brace or a path separator.
    fn identifier(&self) -> Option<&str> {
        let end = self.0.find(|c| !is_word(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        let begins_well = name.starts_with(|c: char| c.is_ascii_uppercase());
        let ends_well = rest.is_empty() || rest.starts_with("::") || rest.starts_with([' ', '(', '{']);
        (begins_well && ends_well).then_some(name)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The name of the outermost error, and the module it lives in.
fn outermost_name(type_name: &'static str, variant: String) -> (String, Option<String>) {
    if type_name.starts_with("dyn ") {
        return (if variant.is_empty() { "Error".to_owned() } else { variant }, None);
    }
    // Generic arguments have paths of their own.
    let path = type_name.split('<').next().unwrap_or(type_name);
    let (module, name) = match path.rsplit_once("::") {
        Some((module, name)) => (Some(module.to_owned()), name),
        None => (None, path),
    };
    if variant.is_empty() || variant == name {
        return (name.to_owned(), module);
    }
    (format!("{name}::{variant}"), module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    enum Order {
        Declined(std::num::ParseIntError),
    }

    impl fmt::Display for Order {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("order was declined")
        }
    }

    impl Error for Order {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            let Self::Declined(source) = self;
            Some(source)
        }
    }

    struct Prose;

    impl fmt::Debug for Prose {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Something went wrong")
        }
    }

    impl fmt::Display for Prose {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Something went wrong")
        }
    }

    impl Error for Prose {}

    #[test]
    fn a_chain_is_named_by_type_and_linked() {
        let event = event_from_error(&Order::Declined("x".parse::<i32>().unwrap_err()));
        let [source, outer] = &event.exception.values[..] else { panic!("two exceptions") };
        assert_eq!((outer.ty.as_str(), outer.value.as_deref()), ("Order::Declined", Some("order was declined")));
        assert_eq!(outer.module.as_deref(), Some("sentry_core::error::tests"));
        assert_eq!(source.ty, "ParseIntError");
        let ids = |exception: &Exception| {
            let mechanism = exception.mechanism.as_ref().unwrap();
            (mechanism.handled, mechanism.exception_id, mechanism.parent_id)
        };
        assert_eq!(ids(outer), (Some(true), Some(0), None));
        assert_eq!(ids(source), (Some(true), Some(1), Some(0)));
    }

    #[test]
    fn prose_is_not_taken_for_a_type() {
        let boxed: Box<dyn Error> = Box::new(Prose);
        assert_eq!(event_from_error(&*boxed).exception[0].ty, "Error");
        assert_eq!(event_from_error(&Prose).exception[0].ty, "Prose");
        let text: Box<dyn Error> = "Plain text".into();
        assert_eq!(event_from_error(&*text).exception[0].ty, "Error");
    }

    #[test]
    fn generic_arguments_do_not_confuse_the_name() {
        let (name, module) = outermost_name("app::db::Wrapped<std::io::Error>", String::new());
        assert_eq!((name.as_str(), module.as_deref()), ("Wrapped", Some("app::db")));
    }

    #[test]
    fn an_error_that_panics_while_formatting_is_still_reported() {
        #[derive(Debug)]
        struct Bad;
        impl fmt::Display for Bad {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("expected by the test")
            }
        }
        impl Error for Bad {}
        let event = event_from_error(&Bad);
        assert_eq!(event.exception[0].ty, "Bad");
        assert!(event.exception[0].value.as_deref().unwrap().contains("panicked"));
    }

    #[test]
    fn an_endless_chain_ends() {
        #[derive(Debug)]
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("again")
            }
        }
        impl Error for Endless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Self)
            }
        }
        assert_eq!(event_from_error(&Endless).exception.len(), MAX_CHAIN);
    }
}
