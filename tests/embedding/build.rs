//! What an application writes.

fn main() {
    #[cfg(feature = "embed-source")]
    sentry_build::embed_source();
}
