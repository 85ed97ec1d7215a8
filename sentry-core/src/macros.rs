//! Macros of the facade.

/// The release of the crate it is used in, `name@version`, as cargo knows it.
///
/// ```
/// let release = sentry_core::release_name!();
/// assert!(release.is_some_and(|release| release.starts_with("sentry-core@")));
/// ```
#[macro_export]
macro_rules! release_name {
    () => {
        match (::std::option_env!("CARGO_PKG_NAME"), ::std::option_env!("CARGO_PKG_VERSION")) {
            (::std::option::Option::Some(name), ::std::option::Option::Some(version)) => {
                ::std::option::Option::Some(::std::borrow::Cow::<'static, str>::Owned(::std::format!(
                    "{name}@{version}"
                )))
            }
            _ => ::std::option::Option::None,
        }
    };
}
