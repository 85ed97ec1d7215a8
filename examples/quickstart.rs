//! The main job in one file: switch the SDK on, say who and what, capture an error, survive a panic, flush.
//!
//!     cargo run --example quickstart
//!
//! With `SENTRY_DSN` set the events go there. Without it a small ingest server runs inside this process, receives
//! them over real HTTP, and what arrived is printed.

use std::fmt;
use std::time::Duration;

use sentry::protocol::Value;
use sentry::{Breadcrumb, ClientOptions, Level, User};

fn main() {
    let local = LocalServer::start_unless_configured();

    // 1. One init call. The guard sends what is pending when it is dropped at the end of `main`.
    let _guard = sentry::init((
        local.dsn(),
        ClientOptions::new().maybe_release(sentry::release_name!()).environment("quickstart"),
    ));

    // 2. Who and what: from now on every event carries it.
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User {
            id: Some("4711".into()),
            username: Some("ada".into()),
            ..Default::default()
        }));
        scope.set_tag("shop.region", "eu-west");
        scope.set_tag("shop.plan", "premium");
    });

    // 3. What led to it.
    sentry::add_breadcrumb(Breadcrumb {
        category: Some("cart".into()),
        message: Some("2 items added".into()),
        level: Level::Info,
        ..Default::default()
    });
    sentry::add_breadcrumb(Breadcrumb {
        ty: "http".into(),
        category: Some("http".into()),
        data: [("method".to_owned(), Value::from("POST")), ("status_code".to_owned(), Value::from(402))]
            .into(),
        ..Default::default()
    });

    // 4. An error, captured by hand, with tags of its own.
    if let Err(error) = checkout("12,50") {
        sentry::with_scope(
            |scope| scope.set_tag("checkout.step", "payment"),
            || sentry::capture_error(&error),
        );
    }

    // 5. A panic on a worker thread: captured by itself, and the program goes on.
    let worker = std::thread::Builder::new().name("invoice-worker".into()).spawn(|| print_invoice(&[]));
    if let Ok(worker) = worker {
        let _ = worker.join();
    }

    // 6. Flush: at most two seconds, whatever the server does.
    let delivered =
        sentry::Hub::current().client().is_some_and(|client| client.flush(Some(Duration::from_secs(2))));
    local.print(delivered);
}

fn checkout(amount: &str) -> Result<f64, CheckoutError> {
    amount.parse().map_err(|source| CheckoutError::BadAmount { source })
}

fn print_invoice(lines: &[&str]) -> String {
    let first = lines[0];
    format!("Invoice\n{first}")
}

#[derive(Debug)]
enum CheckoutError {
    BadAmount { source: std::num::ParseFloatError },
}

impl fmt::Display for CheckoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the amount of the order is not a number")
    }
}

impl std::error::Error for CheckoutError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let Self::BadAmount { source } = self;
        Some(source)
    }
}

/// The ingest server of the tests, so that the example works without an account.
struct LocalServer(Option<ingest::Server>);

impl LocalServer {
    #[expect(clippy::disallowed_methods, reason = "an example, not the SDK")]
    fn start_unless_configured() -> Self {
        Self(std::env::var_os("SENTRY_DSN").is_none().then(ingest::Server::start))
    }

    /// `None` leaves the DSN to the environment.
    fn dsn(&self) -> Option<String> {
        self.0.as_ref().map(ingest::Server::dsn)
    }

    fn print(&self, delivered: bool) {
        let Some(server) = &self.0 else {
            println!(
                "{}",
                if delivered { "Sent. Have a look at your project." } else { "Not delivered in time." }
            );
            return;
        };
        let events = server.events();
        println!("{} events arrived at {}:", events.len(), server.addr());
        for event in &events {
            println!("\n{}", ingest::report::render(event));
        }
    }
}
