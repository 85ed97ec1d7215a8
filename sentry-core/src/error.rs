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
    // Formatting and following sources is the user's code. What it had given before it panicked is kept.
    let complete = guarded("formatting an error", || {
        let (value, head) = describe(error);
        let variant = head.identifier(&value);
        let (ty, module) = outermost_name(std::any::type_name::<E>(), variant);
        values.push(Exception { ty, module, value: Some(value), ..Exception::default() });
        let mut source = error.source();
        while let Some(error) = source
            && values.len() < MAX_CHAIN
        {
            let (value, head) = describe(error);
            let ty = head.identifier(&value).unwrap_or("Error").to_owned();
            values.push(Exception { ty, value: Some(value), ..Exception::default() });
            source = error.source();
        }
    });
    if complete.is_err() && values.is_empty() {
        let (ty, module) = outermost_name(std::any::type_name::<E>(), None);
        let value = Some("<the error panicked while formatting itself>".to_owned());
        values.push(Exception { ty, module, value, ..Exception::default() });
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

/// `Display`, and the beginning of `Debug`.
fn describe<E: Error + ?Sized>(error: &E) -> (String, Head) {
    let mut value = String::with_capacity(64);
    if write!(value, "{error}").is_err() {
        value.push_str("<the error failed to format itself>");
    }
    let mut head = Head::default();
    // Stops early by design: only the beginning is of interest.
    let _ = write!(head, "{error:?}");
    (value, head)
}

/// Takes the beginning of a text and then refuses more, which ends the formatting.
struct Head {
    // Only ASCII gets in, so that any cut is text.
    bytes: [u8; 96],
    len: usize,
}

impl Default for Head {
    fn default() -> Self {
        Self { bytes: [0; 96], len: 0 }
    }
}

impl fmt::Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let Some(slot) = self.bytes.get_mut(self.len) else { return Err(fmt::Error) };
            *slot = if byte.is_ascii() { byte } else { b'?' };
            self.len += 1;
            let goes_on = is_word(byte) || (byte == b':' && !self.bytes[..self.len].ends_with(b"::"));
            if !goes_on {
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}

impl Head {
    /// `[A-Z]\w*` up to the end, a space, a parenthesis, a brace or a path separator, unless `display` begins with it:
    /// then `Debug` only repeats prose.
    fn identifier(&self, display: &str) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes[..self.len]).ok()?;
        let end = text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let begins_well = name.starts_with(|c: char| c.is_ascii_uppercase());
        let ends_well = rest.is_empty() || rest.starts_with("::") || rest.starts_with([' ', '(', '{']);
        (begins_well && ends_well && !display.starts_with(name)).then_some(name)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The name of the outermost error, and the module it lives in.
fn outermost_name(type_name: &'static str, variant: Option<&str>) -> (String, Option<String>) {
    if type_name.starts_with("dyn ") {
        return (variant.unwrap_or("Error").to_owned(), None);
    }
    // Generic arguments have paths of their own.
    let path = type_name.split('<').next().unwrap_or(type_name);
    let (module, name) = match path.rsplit_once("::") {
        Some((module, name)) => (Some(module.to_owned()), name),
        None => (None, path),
    };
    match variant {
        Some(variant) if variant != name => (format!("{name}::{variant}"), module),
        _ => (name.to_owned(), module),
    }
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
        assert_eq!(
            (outer.ty.as_str(), outer.value.as_deref()),
            ("Order::Declined", Some("order was declined"))
        );
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
        let (name, module) = outermost_name("app::db::Wrapped<std::io::Error>", None);
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
