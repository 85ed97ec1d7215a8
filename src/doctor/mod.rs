//! Finds out why nothing arrives, and says what to do about it.
//!
//! ```text
//! options ──► settings: dsn, environment, release, sampling, …          nothing is sent
//!         ──► network:  proxy ─ dns ─ tcp                               one connection, closed at once
//!         ──► probe:    a client of its own ─ one test event ─ answer   ──► verdict: tls, event, clock
//! ```
//!
//! [`doctor`](crate::doctor()) examines the client in force, [`check`] any options. Both block until the end of the
//! examination, which has one deadline whatever the network does: inside async code use `spawn_blocking`. One event of
//! level info, `sentry doctor: test event`, really goes out, without passing integrations and sampling. No row shows a
//! key or a password. What goes wrong on the way is told to the diagnostics hook as well.
//!
//! ```
//! use std::time::Duration;
//! use sentry::doctor::{Status, check};
//!
//! let report = check("http://public@127.0.0.1:9/42", Duration::from_secs(1));
//! assert!(!report.is_healthy(), "nobody listens there");
//! assert_eq!(report.row("dsn").map(|row| row.status), Some(Status::Ok));
//! println!("{report}");
//! ```

mod cache;
mod callback;
mod deadline;
mod helper;
mod lifetime;
mod network;
mod probe;
mod proxy;
mod report;
mod settings;
#[cfg_attr(not(all(feature = "backtrace", feature = "debug-images")), path = "no_symbols.rs")]
mod symbols;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use sentry_core::{Client, ClientOptions, Hub, TryIntoOptions};

use self::deadline::Deadline;
pub(crate) use self::lifetime::Lifetime;
use self::proxy::Route;
pub use self::report::{Report, Row, Status};
use crate::defaults::apply_defaults;

/// How long [`doctor`](crate::doctor()) takes at most.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Examines the client in force, or, where there is none, what the environment says; in 10 seconds at most.
///
/// ```no_run
/// let _guard = sentry::init(sentry::ClientOptions::new());
/// let report = sentry::doctor();
/// if !report.is_healthy() {
///     eprintln!("{report}");
/// }
/// ```
#[must_use]
pub fn doctor() -> Report {
    let client = Hub::current().client();
    let options = match &client {
        Some(client) => client.options().clone(),
        None => apply_defaults(ClientOptions::default()),
    };
    let life = lifetime::of(client.as_deref());
    examine(&options, life, client, Deadline::after(TIMEOUT))
}

/// Examines `config`, completed by the environment as `init` does it, in `timeout` at most.
#[must_use]
pub fn check<C: TryIntoOptions>(config: C, timeout: Duration) -> Report {
    let deadline = Deadline::after(timeout);
    match config.try_into_options() {
        Ok(options) => examine(&apply_defaults(options), Vec::new(), None, deadline),
        Err(error) => Report::new(vec![settings::invalid(&error)]),
    }
}

fn examine(
    options: &ClientOptions,
    life: Vec<Row>,
    client: Option<Arc<Client>>,
    deadline: Deadline,
) -> Report {
    let mut rows = settings::all(options);
    rows.extend(symbols::row());
    rows.extend(life);
    rows.extend(client.map(|client| settings::deliveries(&client.stats())));
    rows.extend(callback::before_send(options, deadline.share(4)));
    rows.push(cache::row(options, deadline.share(4)));
    let route = Route::of(options);
    rows.push(route.row());
    let (network, address) = network::all(&route, options, deadline);
    let outcome = probe::run(options, deadline);
    let verdict = verdict::all(&outcome, options, address);
    rows.extend(network.into_iter().map(|row| if outcome.is_accepted() { row.forgiven() } else { row }));
    rows.extend(verdict);
    Report::new(rows)
}

/// Keeps the examples of the guide true.
#[cfg(doctest)]
#[doc = include_str!("../../docs/TROUBLESHOOTING.md")]
struct Guide;
