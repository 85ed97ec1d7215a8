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
    ($($arg:tt)+) => { $crate::logger_log!(@wanted [Trace "trace" 1], $($arg)+) };
}

/// Writes a log of the level debug. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_debug {
    ($($arg:tt)+) => { $crate::logger_log!(@wanted [Debug "debug" 5], $($arg)+) };
}

/// Writes a log of the level info. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_info {
    ($($arg:tt)+) => { $crate::logger_log!(@wanted [Info "info" 9], $($arg)+) };
}

/// Writes a log of the level warn. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_warn {
    ($($arg:tt)+) => { $crate::logger_log!(@wanted [Warn "warn" 13], $($arg)+) };
}

/// Writes a log of the level error. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_error {
    ($($arg:tt)+) => { $crate::logger_log!(@wanted [Error "error" 17], $($arg)+) };
}

/// Writes a log of the level fatal. Takes what [`logger_trace!`](crate::logger_trace) takes.
#[macro_export]
macro_rules! logger_fatal {
    ($($arg:tt)+) => { $crate::logger_log!(@wanted [Fatal "fatal" 21], $($arg)+) };
}

/// Writes a log of a level: what the macros for each level have in common.
#[doc(hidden)]
#[macro_export]
macro_rules! logger_log {
    // The text alone.
    (@text $level:tt, [$($name:tt $value:expr,)*], $text:literal $(,)?) => {{
        let mut draft = $crate::logger_log!(@draft $level, $text);
        $($crate::logger_log!(@attribute draft, $name, $value);)*
        draft.capture_known(const { $crate::__logs::Keys::new(&[$($crate::logger_log!(@key $name)),*]) });
    }};
    // The text with arguments: each is evaluated once, under a name of its own.
    (@text $level:tt, [$($attributes:tt)*], $text:literal, $($argument:expr),+ $(,)?) => {
        $crate::logger_log!(@bind $level, [$($attributes)*], $text, [] $($argument),+)
    };
    (@bind $level:tt, [$($attributes:tt)*], $text:literal, [$($bound:ident)*] $argument:expr $(, $rest:expr)*) => {
        match $argument {
            argument => {
                $crate::logger_log!(@bind $level, [$($attributes)*], $text, [$($bound)* argument] $($rest),*)
            }
        }
    };
    (@bind $level:tt, [$($name:tt $value:expr,)*], $text:literal, [$($bound:ident)*]) => {{
        let mut draft = $crate::__logs::Draft::new($crate::logger_log!(@level $level), ::std::format_args!($text, $($bound),*));
        $($crate::logger_log!(@attribute draft, $name, $value);)*
        draft.template($text);
        $(draft.parameter($crate::logger_log!(@given $bound));)*
        draft.capture_known(const { $crate::__logs::Keys::new(&[$($crate::logger_log!(@key $name)),*]) });
    }};
    (@key [$first:ident $($key:ident)*]) => {
        ::std::concat!(::std::stringify!($first) $(, ".", ::std::stringify!($key))*)
    };
    (@attribute $draft:ident, [$first:ident $($key:ident)*], $value:expr) => {
        match $value {
            value => $draft.add(
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
    (@attributes $level:tt, [$($attributes:tt)*], $text:literal $($rest:tt)*) => {
        $crate::logger_log!(@text $level, [$($attributes)*], $text $($rest)*)
    };
    (@attributes $level:tt, [$($attributes:tt)*], $first:ident $(. $key:ident)* = $value:expr, $($rest:tt)+) => {
        $crate::logger_log!(
            @attributes $level,
            [$($attributes)* [$first $($key)*] $value,],
            $($rest)+
        )
    };
    // The beginning of a log whose text is in the program is there as well, unless something in it has to be escaped.
    (@draft [$level:ident $name:literal $number:literal], $text:literal) => {
        if const { $crate::__logs::is_plain($text) } {
            $crate::__logs::Draft::begun(::std::concat!(
                "{\"level\":\"", $name, "\",\"severity_number\":", $number, ",\"body\":\"", $text, "\",\"attributes\":"
            ))
        } else {
            $crate::__logs::Draft::new($crate::protocol::LogLevel::$level, ::std::format_args!($text))
        }
    };
    (@draft $level:tt, $text:literal) => {
        $crate::__logs::Draft::new($crate::logger_log!(@level $level), ::std::format_args!($text))
    };
    (@level [$level:ident $name:literal $number:literal]) => { $crate::protocol::LogLevel::$level };
    (@level [$level:expr]) => { $level };
    (@wanted $level:tt, $($arg:tt)+) => {
        if $crate::__logs::is_wanted() {
            $crate::logger_log!(@attributes $level, [], $($arg)+)
        }
    };
    ($level:expr, $($arg:tt)+) => { $crate::logger_log!(@wanted [$level], $($arg)+) };
}
