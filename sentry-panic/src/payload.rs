//! What a panic says.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::panic::PanicHookInfo;

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
    error(payload).map_or(Cow::Borrowed(UNKNOWN), |error| Cow::Owned(error.to_string()))
}

/// Whether the process is about to abort because this panic may not unwind.
pub(crate) fn cannot_unwind(info: &PanicHookInfo<'_>) -> bool {
    // `PanicHookInfo::can_unwind` is not stable. These panics begin in core, with constant messages.
    let begins_in_core = info.location().is_some_and(|location| location.file().contains("core"));
    begins_in_core
        && info.payload().downcast_ref::<&'static str>().is_some_and(|text| NO_UNWIND.contains(text))
}

fn error(payload: &(dyn Any + Send)) -> Option<&dyn Error> {
    if let Some(error) = payload.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(&**error);
    }
    if let Some(error) = payload.downcast_ref::<Box<dyn Error + Send>>() {
        return Some(&**error);
    }
    payload.downcast_ref::<io::Error>().map(|error| error as &dyn Error)
}

const UNKNOWN: &str = "Box<Any>";

const NO_UNWIND: [&str; 2] =
    ["panic in a function that cannot unwind", "panic in a destructor during cleanup"];

#[cfg(test)]
mod tests {
    use super::*;

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
