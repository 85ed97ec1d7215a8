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
    (@text $level:expr, [$($attributes:tt)*], $text:literal $(,)?) => {
        $crate::__logs::log($crate::__logs::Parts {
            level: $level,
            body: ::std::format!($text),
            template: ::std::option::Option::None,
            attributes: ::std::vec![$($attributes)*],
            parameters: ::std::vec![],
        })
    };
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
    (@bind $level:expr, [$($attributes:tt)*], $text:literal, [$($bound:ident)*]) => {
        $crate::__logs::log($crate::__logs::Parts {
            level: $level,
            body: ::std::format!($text, $($bound),*),
            template: ::std::option::Option::Some($text),
            attributes: ::std::vec![$($attributes)*],
            parameters: ::std::vec![$($crate::protocol::LogAttribute::from($bound)),*],
        })
    };
    // Attributes before the text.
    (@attributes $level:expr, [$($attributes:tt)*], $text:literal $($rest:tt)*) => {
        $crate::logger_log!(@text $level, [$($attributes)*], $text $($rest)*)
    };
    (@attributes $level:expr, [$($attributes:tt)*], $first:ident $(. $key:ident)* = $value:expr, $($rest:tt)+) => {
        $crate::logger_log!(
            @attributes $level,
            [
                $($attributes)*
                (
                    ::std::concat!(::std::stringify!($first) $(, ".", ::std::stringify!($key))*),
                    $crate::protocol::LogAttribute::from($value),
                ),
            ],
            $($rest)+
        )
    };
    ($level:expr, $($arg:tt)+) => {
        if $crate::__logs::is_wanted() {
            $crate::logger_log!(@attributes $level, [], $($arg)+)
        }
    };
}
