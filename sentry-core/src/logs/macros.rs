//! The macros that write logs.

/// Writes a log of the level trace.
///
/// Text as for [`format!`], behind attributes if there are any: `key = value`, where a key may have dots. The arguments of
/// the text are attributes too, and the server groups logs by the text without them.
///
/// Costs one load while no client is active; nothing is evaluated then.
///
/// ```
/// use sentry_core::protocol::{EnvelopeItem, ItemContainer};
///
/// let envelopes = sentry_core::test::with_captured_envelopes(|| {
///     sentry_core::logger_trace!(cache.name = "users", hit = true, "looked up {}", 7);
/// });
/// let Some(EnvelopeItem::ItemContainer(ItemContainer::Logs(logs))) = envelopes[0].items().next() else { panic!() };
/// assert_eq!(logs[0].body, "looked up 7");
/// assert_eq!(logs[0].attributes["cache.name"], "users".into());
/// ```
#[macro_export]
macro_rules! logger_trace {
    ($($arg:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Trace, $($arg)+) };
}

/// Writes a log of the level debug. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_debug {
    ($($arg:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Debug, $($arg)+) };
}

/// Writes a log of the level info. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_info {
    ($($arg:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Info, $($arg)+) };
}

/// Writes a log of the level warn. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_warn {
    ($($arg:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Warn, $($arg)+) };
}

/// Writes a log of the level error. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_error {
    ($($arg:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Error, $($arg)+) };
}

/// Writes a log of the level fatal. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_fatal {
    ($($arg:tt)+) => { $crate::logger_log!($crate::protocol::LogLevel::Fatal, $($arg)+) };
}

/// Writes a log of a level: what the macros for each level have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! logger_log {
    // The text alone.
    (@text $level:expr, [$($name:tt $value:expr,)*], $text:literal $(,)?) => {{
        let draft = $crate::__logs::Draft::new($level, ::std::format_args!($text));
        $(let draft = $crate::logger_log!(@attribute draft, $name, $value);)*
        draft.capture(&[$($crate::logger_log!(@key $name)),*]);
    }};
    // The text with arguments: each is evaluated once, under a name of its own.
    (@text $level:expr, [$($attributes:tt)*], $text:literal, $($argument:expr),+ $(,)?) => {
        $crate::logger_log!(@bind $level, [$($attributes)*], $text, [] $($argument),+)
    };
    (@bind $level:expr, [$($attributes:tt)*], $text:literal, [$($bound:ident)*] $argument:expr $(, $rest:expr)*) => {
        match $argument {
            argument => {
                $crate::logger_log!(@bind $level, [$($attributes)*], $text, [$($bound)* argument] $($rest),*)
            }
        }
    };
    (@bind $level:expr, [$($name:tt $value:expr,)*], $text:literal, [$($bound:ident)*]) => {{
        let draft = $crate::__logs::Draft::new($level, ::std::format_args!($text, $($bound),*));
        $(let draft = $crate::logger_log!(@attribute draft, $name, $value);)*
        let draft = draft.template($text);
        $(let draft = draft.parameter($crate::logger_log!(@given $bound));)*
        draft.capture(&[$($crate::logger_log!(@key $name)),*]);
    }};
    (@key [$first:ident $($key:ident)*]) => {
        ::std::concat!(::std::stringify!($first) $(, ".", ::std::stringify!($key))*)
    };
    (@attribute $draft:ident, [$first:ident $($key:ident)*], $value:expr) => {
        match $value {
            value => $draft.attribute(
                ::std::concat!(",\"", ::std::stringify!($first) $(, ".", ::std::stringify!($key))*, "\":"),
                $crate::logger_log!(@given value),
            ),
        }
    };
    // A text without a copy, anything else as an attribute.
    (@given $value:ident) => {{
        use $crate::__logs::kinds::*;
        (&$value).sentry_kind().given($value)
    }};
    // Attributes before the text.
    (@attributes $level:expr, [$($attributes:tt)*], $text:literal $($rest:tt)*) => {
        $crate::logger_log!(@text $level, [$($attributes)*], $text $($rest)*)
    };
    (@attributes $level:expr, [$($attributes:tt)*], $first:ident $(. $key:ident)* = $value:expr, $($rest:tt)+) => {
        $crate::logger_log!(
            @attributes $level,
            [$($attributes)* [$first $($key)*] $value,],
            $($rest)+
        )
    };
    ($level:expr, $($arg:tt)+) => {
        if $crate::__logs::is_wanted() {
            $crate::logger_log!(@attributes $level, [], $($arg)+)
        }
    };
}
