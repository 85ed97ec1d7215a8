//! Why does nothing arrive? Examines a DSN, the network and the server, and says what to do.
//!
//!     cargo run --example doctor -- https://key@o1.ingest.sentry.io/42
//!     SENTRY_DSN=… cargo run --example doctor
//!
//! One test event is sent. Ends with 0 when the server has accepted it, and with 1 otherwise.

use std::process::ExitCode;

use sentry::{ClientOptions, doctor};

fn main() -> ExitCode {
    // Without an argument the environment decides, as it does for `init`.
    let dsn = std::env::args().nth(1);
    let options = ClientOptions::new().maybe_release(sentry::release_name!());
    let report = doctor::check((dsn, options), doctor::TIMEOUT);

    println!("{report}");
    if report.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
