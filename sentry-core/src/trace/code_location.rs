//! Where slow queries and slow requests to others come from (protocol.md 20).
//!
//! The addresses are taken when such a span ends, on the thread that ends it; their names are looked up where the span gets
//! its wire form. The innermost frame of the application is the one that is told.

use std::time::{Duration, Instant};

use crate::options::ClientOptions;
use crate::protocol::{Frame, Span, Value};
use crate::stacktrace::{RawStack, in_app};
use crate::suppress::guarded;

/// A span that takes longer is slow.
pub(super) const SLOW: Duration = Duration::from_millis(100);

/// Whether the place of a slow span with this operation is wanted.
pub(super) fn is_wanted(op: &str, options: &ClientOptions) -> bool {
    match op {
        "http.client" => options.enable_http_request_source,
        "db" => options.enable_db_query_source,
        _ => op.starts_with("db.") && options.enable_db_query_source,
    }
}

/// The addresses of the running code.
#[cold]
pub(super) fn capture(options: &ClientOptions) -> Option<RawStack> {
    let source = options.stack_source.as_ref()?;
    // It may be the application's.
    guarded("stack source", || source.capture()).ok()
}

/// Tells where `span` comes from. What the application itself has said about that stays.
pub(super) fn add_to(span: &mut Span, stack: &RawStack, options: &ClientOptions, deadline: Instant) {
    // What an integration wrote down is the place of its own macro, or of the library that it knows.
    let is_free = span.origin.as_deref().is_some_and(|origin| origin.starts_with("auto."))
        || !span.data.contains_key("code.file.path");
    let Some(source) = options.stack_source.as_ref().filter(|_| is_free) else { return };
    let resolved = guarded("stack source", || source.resolve(stack, Some(deadline))).ok().flatten();
    let Some(mut resolved) = resolved else { return };
    in_app::apply(&mut resolved, &options.in_app_include, &options.in_app_exclude);
    let Some(frame) = resolved.frames.into_iter().rev().find(|frame| frame.in_app == Some(true)) else {
        return;
    };
    let Frame { function, filename, abs_path, lineno, .. } = frame;
    let known = [
        ("code.file.path", abs_path.or(filename).map(Value::from)),
        ("code.function.name", function.map(Value::from)),
        ("code.line.number", lineno.map(Value::from)),
    ];
    for (key, value) in known {
        if let Some(value) = value {
            span.data.insert(key.to_owned(), value);
        }
    }
}
