//! Captures a message where its own source file is nowhere to be found: `embedding <dsn>`.

mod shop;

fn main() {
    let Some(dsn) = std::env::args().nth(1) else { return };
    sentry::embed_source!();
    let options = sentry::ClientOptions::new().include_source_context(true).attach_stacktrace(true);
    let _guard = sentry::init((dsn, options));
    shop::order(42);
}
