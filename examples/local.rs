//! No server at hand: what would be sent is printed, or written to files.
//!
//!     cargo run --example local                 prints it
//!     cargo run --example local -- outbox       writes it to the directory `outbox`, one file per envelope

use sentry::transports::{FileSender, StdoutSender};
use sentry::{ClientOptions, TransactionContext};

fn main() {
    let options = ClientOptions::new().release("shop@1.2.0").traces_sample_rate(1.0);
    let _guard = sentry::init(match std::env::args().nth(1) {
        Some(directory) => options.transport(FileSender::directory(directory)),
        None => options.transport(StdoutSender::new()),
    });

    sentry::configure_scope(|scope| scope.set_tag("shop.region", "eu-west"));
    let checkout = sentry::start_transaction(TransactionContext::new("checkout", "task"));
    if let Err(error) = "12,50".parse::<f64>() {
        sentry::capture_error(&error);
    }
    checkout.finish();
}
