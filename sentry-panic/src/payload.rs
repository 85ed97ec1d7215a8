//! What a panic says.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::thread::Builder;

use sentry_core::suppress;

/// The text of a payload that `panic!` made; `"Box<Any>"` for any other.
pub(crate) fn text(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        UNKNOWN
    }
}

/// The message of a payload, for the kinds of values that people throw.
pub(crate) fn message(payload: &(dyn Any + Send)) -> Cow<'_, str> {
    let text = text(payload);
    if !std::ptr::eq(text, UNKNOWN) {
        return Cow::Borrowed(text);
    }
    if let Some(text) = payload.downcast_ref::<Cow<'static, str>>() {
        return Cow::Borrowed(text);
    }
    if let Some(text) = payload.downcast_ref::<Box<str>>() {
        return Cow::Borrowed(text);
    }
    error(payload).and_then(text_of).map_or(Cow::Borrowed(UNKNOWN), Cow::Owned)
}

/// What an error says. `Display` is code of somebody else: if it panicked in the hook, the process would abort, so it runs
/// on a thread where it may.
fn text_of(error: &(dyn Error + Sync)) -> Option<String> {
    let format = || suppress(|| catch_unwind(AssertUnwindSafe(|| error.to_string())).ok());
    std::thread::scope(|scope| {
        let thread = Builder::new().name("sentry-format".to_owned()).spawn_scoped(scope, format).ok()?;
        thread.join().ok()?
    })
}

/// Whether the process is about to abort because this panic may not unwind.
pub(crate) fn cannot_unwind(info: &PanicHookInfo<'_>) -> bool {
    // `PanicHookInfo::can_unwind` is not stable. These panics begin in core, with constant messages.
    let begins_in_core = info.location().is_some_and(|location| location.file().contains("core"));
    begins_in_core
        && info.payload().downcast_ref::<&'static str>().is_some_and(|text| NO_UNWIND.contains(text))
}

/// An error that another thread may look at.
fn error(payload: &(dyn Any + Send)) -> Option<&(dyn Error + Sync)> {
    if let Some(error) = payload.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(&**error);
    }
    payload.downcast_ref::<io::Error>().map(|error| error as &(dyn Error + Sync))
}

const UNKNOWN: &str = "Box<Any>";

const NO_UNWIND: [&str; 2] =
    ["panic in a function that cannot unwind", "panic in a destructor during cleanup"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_panics_while_formatting_says_nothing() {
        #[derive(Debug)]
        struct Bad;
        impl std::fmt::Display for Bad {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("expected by the test")
            }
        }
        impl Error for Bad {}
        let boxed: Box<dyn Error + Send + Sync> = Box::new(Bad);
        assert_eq!(message(&boxed), UNKNOWN);
        assert_eq!(message(&io::Error::other(Bad)), UNKNOWN);
    }

    #[test]
    fn messages_of_all_kinds_of_payloads() {
        let boxed: Box<dyn Error + Send + Sync> = "boxed".into();
        let cases: [(Box<dyn Any + Send>, &str); 7] = [
            (Box::new("literal"), "literal"),
            (Box::new(String::from("formatted")), "formatted"),
            (Box::new(Cow::<'static, str>::Borrowed("cow")), "cow"),
            (Box::new(boxed), "boxed"),
            (Box::new(io::Error::other("disk full")), "disk full"),
            (Box::new("Box<Any>"), "Box<Any>"),
            (Box::new(42), "Box<Any>"),
        ];
        for (payload, expected) in &cases {
            assert_eq!(message(&**payload), *expected);
        }
    }
}
