//! Errors as exceptions: their names, their texts, their sources.
//!
//! The outermost error is named by its type; for everything behind `dyn Error` the type is gone, and the leading
//! identifier of its `Debug` text has to do, where that text looks like derived `Debug` and not like prose.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io;

use crate::protocol::{Event, Exception, Level, Mechanism};
use crate::suppress::guarded;

/// Sources followed at most: a chain may be a cycle.
pub(crate) const MAX_CHAIN: usize = 50;

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
    Event { exception: into_exceptions(chain(error).0).into(), level: Level::Error, ..Event::default() }
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

/// One error of a chain, as small as it can be kept until the event is completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLink {
    /// Its type.
    pub ty: Cow<'static, str>,
    /// The module of its type, where that is known.
    pub module: Option<&'static str>,
    /// What it says.
    pub value: String,
}

/// An error and its sources, the outermost first, and its source itself.
pub(crate) fn chain<E: Error + ?Sized>(error: &E) -> (Vec<ErrorLink>, Option<&(dyn Error + 'static)>) {
    let type_name = std::any::type_name::<E>();
    let (mut links, mut first) = (Vec::with_capacity(4), None);
    // Formatting and following sources is the user's code. What it had given before it panicked is kept.
    let complete = guarded("formatting an error", || {
        let (value, head) = describe(error);
        let (ty, module) = outermost_name(type_name, head.identifier(&value));
        links.push(ErrorLink { ty, module, value });
        let mut source = error.source();
        first = source;
        while let Some(error) = source
            && links.len() < MAX_CHAIN
        {
            let (value, head) = describe(error);
            let ty = match head.identifier(&value) {
                _ if error.is::<io::Error>() => Cow::Borrowed(IO_ERROR),
                name => inner_name(name),
            };
            links.push(ErrorLink { ty, module: None, value });
            source = error.source();
        }
    });
    if complete.is_err() && links.is_empty() {
        let (ty, module) = outermost_name(type_name, None);
        links.push(ErrorLink {
            ty,
            module,
            value: "<the error panicked while formatting itself>".to_owned(),
        });
    }
    (links, first)
}

/// The exceptions of a chain: the outermost last, handled, each naming the one it is the cause of.
pub(crate) fn into_exceptions(links: Vec<ErrorLink>) -> Vec<Exception> {
    let is_chain = links.len() > 1;
    // Ids count from the outermost error.
    let with_ids = links.into_iter().enumerate().map(|(index, link)| (index as u64, link));
    let exceptions = with_ids.rev().map(|(id, link)| Exception {
        ty: link.ty.into_owned(),
        module: link.module.map(str::to_owned),
        value: Some(link.value),
        mechanism: Some(Mechanism {
            ty: if id == 0 { "generic" } else { "chained" }.to_owned(),
            handled: Some(true),
            source: (id > 0).then(|| "source".to_owned()),
            exception_id: is_chain.then_some(id),
            parent_id: id.checked_sub(1),
            ..Mechanism::default()
        }),
        ..Exception::default()
    });
    exceptions.collect()
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
        let words = text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len());
        let (words, rest) = text.as_bytes().split_at(words);
        self.push(words)?;
        let Some(&end) = rest.first() else { return Ok(()) };
        self.push(&[if end.is_ascii() { end } else { b'?' }])?;
        // The first colon of two may be the last thing that is known yet.
        if end == b':' && !self.bytes[..self.len].ends_with(b"::") {
            return self.write_str(text.get(words.len() + 1..).unwrap_or_default());
        }
        Err(fmt::Error)
    }
}

impl Head {
    fn push(&mut self, bytes: &[u8]) -> fmt::Result {
        let room = &mut self.bytes[self.len..];
        let len = bytes.len().min(room.len());
        room[..len].copy_from_slice(&bytes[..len]);
        self.len += len;
        if len < bytes.len() { Err(fmt::Error) } else { Ok(()) }
    }

    /// `[A-Z]\w*` up to the end, a space, a parenthesis, a brace or a path separator, unless `display` begins with it:
    /// then `Debug` only repeats prose.
    fn identifier(&self, display: &str) -> Option<&str> {
        let bytes = &self.bytes[..self.len];
        let end = bytes.iter().position(|byte| !is_word(*byte)).unwrap_or(bytes.len());
        let (name, rest) = bytes.split_at(end);
        let begins_well = name.first().is_some_and(u8::is_ascii_uppercase);
        let ends_well = matches!(rest, [] | [b':', b':', ..] | [b' ' | b'(' | b'{', ..]);
        let is_name = begins_well && ends_well && !display.as_bytes().starts_with(name);
        if is_name { std::str::from_utf8(name).ok() } else { None }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// As everybody writes it. The names that its `Debug` text begins with are those of an enum that nobody else knows.
const IO_ERROR: &str = "io::Error";

/// The name of an error whose type is gone.
fn inner_name(identifier: Option<&str>) -> Cow<'static, str> {
    match identifier {
        None => Cow::Borrowed("Error"),
        Some("Os") => Cow::Borrowed(IO_ERROR),
        Some(name) => Cow::Owned(name.to_owned()),
    }
}

/// The name of the outermost error, and the module it lives in.
fn outermost_name(
    type_name: &'static str,
    variant: Option<&str>,
) -> (Cow<'static, str>, Option<&'static str>) {
    if type_name.starts_with("dyn ") {
        return (inner_name(variant), None);
    }
    if type_name == std::any::type_name::<io::Error>() {
        return (Cow::Borrowed(IO_ERROR), Some("std::io"));
    }
    // Generic arguments have paths of their own.
    let path = type_name.split('<').next().unwrap_or(type_name);
    let name_at = path.bytes().rposition(|byte| byte == b':').map_or(0, |colon| colon + 1);
    let (module, name) = path.split_at(name_at);
    let module = module.strip_suffix("::");
    match variant {
        Some(variant) if variant != name => (Cow::Owned(format!("{name}::{variant}")), module),
        _ => (Cow::Borrowed(name), module),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_io_have_one_name_wherever_they_stand() {
        #[derive(Debug)]
        struct Load(io::Error);
        impl fmt::Display for Load {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("cannot load")
            }
        }
        impl Error for Load {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let all = || [io::Error::from_raw_os_error(2), io::ErrorKind::NotFound.into(), io::Error::other("x")];
        for error in all() {
            let event = event_from_error(&error);
            assert_eq!(event.exception[0].ty, "io::Error", "{error:?}");
            assert_eq!(event.exception[0].module.as_deref(), Some("std::io"));
            let chain = event_from_error(&Load(error));
            assert_eq!(chain.exception[chain.exception.len() - 2].ty, "io::Error");
        }
        let boxed: Box<dyn Error> = io::Error::from_raw_os_error(2).into();
        assert_eq!(event_from_error(&*boxed).exception[0].ty, "io::Error");
    }

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
        assert_eq!((&*name, module), ("Wrapped", Some("app::db")));
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
