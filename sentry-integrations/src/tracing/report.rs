//! Errors that were recorded by their `Debug`, as `error = ?error` does.
//!
//! `anyhow` and `eyre` write a report there: the message, the causes, and the backtrace the error was made with. All of it is
//! an exception with sources and a stack trace again. What others write is one exception.

use sentry_core::parse_type_from_debug;
use sentry_core::protocol::{Exception, Mechanism};

const CAUSES: &str = "\n\nCaused by:\n";
const BACKTRACE: &str = "\n\nStack backtrace:\n";
const LOCATION: &str = "\n\nLocation:\n";

/// Causes of one error; the rest are no news.
const MAX_CAUSES: usize = 50;

/// What a text says of an error.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Report {
    /// The outermost error last.
    pub(super) exceptions: Vec<Exception>,
    /// The backtrace of the outermost error, as it was printed.
    pub(super) backtrace: Option<String>,
}

impl Report {
    /// Reads the `Debug` of an error, or what looks the same from here: its `Display`.
    pub(super) fn read(text: &str) -> Self {
        // The `Debug` that is derived has no line break in any text.
        let (rest, backtrace) = match text.split_once(BACKTRACE) {
            Some((rest, backtrace)) => (rest, Some(backtrace.to_owned())),
            None => (text, None),
        };
        let rest = rest.split(LOCATION).next().unwrap_or_default();
        let Some((message, causes)) = rest.split_once(CAUSES) else {
            return Self { exceptions: vec![exception(type_of(rest), rest)], backtrace };
        };
        let mut exceptions = vec![exception("Error", message)];
        exceptions.extend(causes_in(causes).iter().map(|cause| exception("Error", cause)));
        for (id, exception) in exceptions.iter_mut().enumerate() {
            let id = id as u64;
            exception.mechanism = Some(Mechanism {
                ty: if id == 0 { "generic" } else { "chained" }.to_owned(),
                handled: Some(true),
                source: (id > 0).then(|| "source".to_owned()),
                exception_id: Some(id),
                parent_id: id.checked_sub(1),
                ..Mechanism::default()
            });
        }
        exceptions.reverse();
        Self { exceptions, backtrace }
    }
}

fn exception(ty: &str, value: &str) -> Exception {
    Exception { ty: ty.to_owned(), value: Some(value.to_owned()), ..Exception::default() }
}

/// Only what is derived looks like `Type(..)` or `Type { .. }`; anything else is a text, whatever its first word is.
fn type_of(text: &str) -> &str {
    let ty = parse_type_from_debug(text);
    let rest = text.strip_prefix(ty).unwrap_or_default();
    let is_derived =
        (rest.starts_with('(') && rest.ends_with(')')) || (rest.starts_with(" {") && rest.ends_with('}'));
    if is_derived && ty.starts_with(|c: char| c.is_ascii_uppercase()) { ty } else { "Error" }
}

/// Each cause begins with its number, or there is only one. Their further lines are indented.
fn causes_in(text: &str) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        let numbered = line.split_once(": ").filter(|(number, _)| number.parse() == Ok(causes.len()));
        match (numbered, causes.last_mut()) {
            (Some((_, cause)), _) => causes.push(cause.to_owned()),
            (None, Some(last)) => last.extend(["\n", line]),
            (None, None) => causes.push(line.to_owned()),
        }
        if causes.len() > MAX_CAUSES {
            causes.truncate(MAX_CAUSES);
            break;
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types and messages, the outermost first.
    fn read(text: &str) -> Vec<(String, String)> {
        let exceptions = Report::read(text).exceptions;
        exceptions.into_iter().rev().map(|it| (it.ty, it.value.unwrap())).collect()
    }

    fn errors(messages: &[&str]) -> Vec<(String, String)> {
        messages.iter().map(|message| ("Error".to_owned(), (*message).to_owned())).collect()
    }

    #[test]
    fn the_causes_of_a_report_are_sources() {
        assert_eq!(read("a\n\nCaused by:\n    b"), errors(&["a", "b"]));
        assert_eq!(read("a\n\nCaused by:\n    0: b\n    1: c: d"), errors(&["a", "b", "c: d"]));
        let long = "a\nb\n\nCaused by:\n    0: c\n       d\n    1: e\n       7: f";
        assert_eq!(read(long), errors(&["a\nb", "c\nd", "e\n7: f"]));
        assert_eq!(read("a\n\nCaused by:\n    404: gone\n    too"), errors(&["a", "404: gone\ntoo"]));
        let exceptions = Report::read("a\n\nCaused by:\n    b").exceptions;
        let ids = exceptions
            .iter()
            .map(|it| it.mechanism.as_ref().unwrap())
            .map(|it| (it.exception_id, it.parent_id));
        assert_eq!(ids.collect::<Vec<_>>(), [(Some(1), Some(0)), (Some(0), None)]);
        let deep: String = (0..1_000).map(|number| format!("    {number}: x\n")).collect();
        assert_eq!(read(&format!("a\n\nCaused by:\n{deep}")).len(), MAX_CAUSES + 1);
    }

    #[test]
    fn a_backtrace_is_no_part_of_the_message() {
        let report = Report::read("a\n\nCaused by:\n    b\n\nStack backtrace:\n   0: main\n   1: rest");
        assert_eq!(report.backtrace.as_deref(), Some("   0: main\n   1: rest"));
        assert_eq!(report.exceptions.len(), 2);
        let alone = Report::read("a\n\nStack backtrace:\n   0: main");
        assert_eq!(alone.exceptions[0].value.as_deref(), Some("a"));
        assert_eq!(read("a\n\nCaused by:\n    b\n\nLocation:\n    src/main.rs:7:5"), errors(&["a", "b"]));
    }

    #[test]
    fn what_is_no_report_is_one_error() {
        for text in ["Io(Kind(NotFound))", "Io { kind: NotFound }"] {
            assert_eq!(read(text), [("Io".to_owned(), text.to_owned())]);
        }
        for text in [
            "",
            "plain",
            "Several words",
            "Connection refused (os error 111)",
            "a\n\nb",
            "Caused by:\n  x",
            "\n\nCaused by:",
            "Whole",
        ] {
            assert_eq!(read(text), errors(&[text]));
        }
        assert_eq!(read("\n\nCaused by:\n"), errors(&[""]));
    }
}
