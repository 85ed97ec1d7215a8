//! How a type is checked: by code that compiles only if the type has this shape.

/// All fields of a type, which user code may list without `..`, with their exact types.
macro_rules! all_fields {
    ($ty:ident $(<$arg:tt>)? { $($field:ident: $of:ty),* $(,)? }) => {
        const _: fn($ty $(<$arg>)?) = |$ty { $($field),* }| {
            $(let _: $of = $field;)*
        };
    };
}

/// The public fields of a type, with their exact types. Other fields may exist beside them.
macro_rules! fields {
    ($ty:ident $(<$arg:tt>)? { $($field:ident: $of:ty),* $(,)? }) => {
        const _: fn($ty $(<$arg>)?) = |value| {
            $(let _: $of = value.$field;)*
        };
    };
}

/// The traits that a type implements.
macro_rules! implements {
    ($ty:ty: $($bounds:tt)+) => {
        const _: fn() = {
            fn check<T: $($bounds)+>() {}
            check::<$ty>
        };
    };
}

/// A type that can be written as JSON and read from it.
macro_rules! wire {
    ($ty:ty) => {
        const _: fn($ty) -> bool = |value| sentry::protocol::value::to_value(value).is_ok();
        const _: fn(sentry::protocol::Value) -> bool =
            |json| sentry::protocol::value::from_value::<$ty>(json).is_ok();
    };
}
