//! Source code in the binary.

/// Lets events show lines of this crate's code where its files are not at hand, as in production.
///
/// Its build script has to say `sentry_build::embed_source()`, and the options `include_source_context(true)`. The code stays
/// compressed in the binary until a stack trace needs it, which happens in the background. Each crate of a workspace
/// may do so.
///
/// ```text
/// sentry::embed_source!();
/// let _guard = sentry::init((dsn, sentry::ClientOptions::new().include_source_context(true)));
/// ```
#[macro_export]
macro_rules! embed_source {
    () => {
        $crate::__embed_source(::core::include_bytes!(::core::concat!(
            ::core::env!("OUT_DIR"),
            "/sentry-source.bin"
        )))
    };
}
