//! The operations. Each is written once and compiled against both crates.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::measure::{Cost, once, round};
use crate::table::Row;

const ROUNDS: usize = 30;

/// One operation, in one crate.
type Round = fn() -> Cost;

/// Name, ours, official, budget in nanoseconds and allocations.
type Spec = (&'static str, Round, Round, Option<(f64, f64)>);

/// Runs the rows whose name contains `only`, off first: once a client is enabled nothing is off any more.
pub fn all(only: Option<&str>) -> Vec<Row> {
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    let specs: [&[Spec]; 2] = [&OFF, &ON];
    let selected = specs.into_iter().flatten().filter(|spec| wanted(spec.0));
    selected.map(|&(name, ours, official, budget)| run(name, ours, official, budget)).collect()
}

fn run(name: &'static str, ours: Round, official: Round, budget: Option<(f64, f64)>) -> Row {
    let (mut best_ours, mut best_official) = (Cost::WORST, Cost::WORST);
    for _ in 0..ROUNDS {
        best_ours = best_ours.min(ours());
        best_official = best_official.min(official());
    }
    Row { name, ours: best_ours, official: best_official, budget }
}

const OFF: [Spec; 9] = [
    ("off: capture_message", ours_rows::off_message, official_rows::off_message, Some((0.6, 0.0))),
    (
        "off: add_breadcrumb, closure",
        ours_rows::off_breadcrumb,
        official_rows::off_breadcrumb,
        Some((0.6, 0.0)),
    ),
    ("off: with_scope", ours_rows::off_with_scope, official_rows::off_with_scope, Some((0.6, 0.0))),
    ("off: logger_info!", ours_rows::off_log, official_rows::off_log, Some((0.6, 0.0))),
    ("off: configure_scope", ours_rows::off_configure, official_rows::off_configure, Some((0.6, 0.0))),
    ("off: counter", ours_rows::off_counter, official_rows::off_counter, Some((0.6, 0.0))),
    (
        "off: counter, 2 attributes",
        ours_rows::counter_with_attributes,
        official_rows::counter_with_attributes,
        None,
    ),
    ("off: gauge", ours_rows::off_gauge, official_rows::off_gauge, Some((0.6, 0.0))),
    (
        "off: start_transaction + finish",
        ours_rows::off_transaction,
        official_rows::off_transaction,
        Some((60.0, f64::INFINITY)),
    ),
];

const ON: [Spec; 31] = [
    (
        "off: init without a DSN",
        ours_rows::init_off,
        official_rows::init_off,
        Some((15_000.0, f64::INFINITY)),
    ),
    ("capture_message", ours_rows::message, official_rows::message, Some((150.0, 3.0))),
    (
        "capture_message, 100 breadcrumbs",
        ours_rows::message_ring,
        official_rows::message_ring,
        Some((160.0, 3.0)),
    ),
    ("capture_message, rich scope", ours_rows::message_rich, official_rows::message_rich, Some((160.0, 3.0))),
    ("capture_message, finished on the caller", finished::message, official_rows::message, None),
    (
        "capture_message, before_send set",
        ours_rows::message_before_send,
        official_rows::message_before_send,
        None,
    ),
    (
        "capture_error, chain of 3",
        ours_rows::error_chain,
        official_rows::error_chain,
        Some((500.0, f64::INFINITY)),
    ),
    (
        "capture_message + backtrace, warm",
        ours_rows::backtrace,
        official_rows::backtrace,
        Some((5_000.0, f64::INFINITY)),
    ),
    (
        "(a breadcrumb built and dropped by the caller)",
        ours_rows::crumb_alone,
        official_rows::crumb_alone,
        None,
    ),
    (
        "add_breadcrumb, full ring",
        ours_rows::breadcrumb,
        official_rows::breadcrumb,
        Some((82.0, f64::INFINITY)),
    ),
    ("with_scope, empty", ours_rows::with_scope, official_rows::with_scope, Some((25.0, f64::INFINITY))),
    (
        "with_scope + set_tag over 10 tags",
        ours_rows::with_scope_tag,
        official_rows::with_scope_tag,
        Some((90.0, f64::INFINITY)),
    ),
    (
        "with_scope + breadcrumb, full ring",
        ours_rows::with_scope_crumb,
        official_rows::with_scope_crumb,
        Some((150.0, f64::INFINITY)),
    ),
    (
        "child span, sampled",
        ours_rows::span_sampled,
        official_rows::span_sampled,
        Some((130.0, f64::INFINITY)),
    ),
    ("child span, unsampled", ours_rows::span_unsampled, official_rows::span_unsampled, Some((8.0, 0.0))),
    ("transaction, no span, sampled", ours_rows::transaction_bare, official_rows::transaction_bare, None),
    (
        "transaction, 100 spans, sampled",
        ours_rows::transaction_sampled,
        official_rows::transaction_sampled,
        Some((13_500.0, f64::INFINITY)),
    ),
    (
        "transaction, 100 spans, unsampled",
        ours_rows::transaction_unsampled,
        official_rows::transaction_unsampled,
        Some((800.0, f64::INFINITY)),
    ),
    (
        "transaction, 1,000 spans, sampled",
        ours_rows::transaction_large,
        official_rows::transaction_large,
        None,
    ),
    (
        "... of which its finish",
        ours_rows::transaction_large_finish,
        official_rows::transaction_large_finish,
        None,
    ),
    ("... encoded by the worker", finished::transaction, finished::official_transaction, None),
    ("log, no attributes", ours_rows::log, official_rows::log, None),
    ("log, 1 argument", ours_rows::log_argument, official_rows::log_argument, None),
    (
        "log, 3 attributes",
        ours_rows::log_attributes,
        official_rows::log_attributes,
        Some((170.0, f64::INFINITY)),
    ),
    ("log, 10 attributes", ours_rows::log_many, official_rows::log_many, None),
    ("log, 3 attributes, user in the scope", ours_rows::log_rich, official_rows::log_rich, None),
    ("counter", ours_rows::counter, official_rows::counter, Some((120.0, f64::INFINITY))),
    ("counter, 2 attributes", ours_rows::counter_attributes, official_rows::counter_attributes, None),
    ("gauge", ours_rows::gauge, official_rows::gauge, None),
    ("distribution with a unit", ours_rows::distribution, official_rows::distribution, None),
    ("init until it returns", ours_rows::init_on, official_rows::init_on, Some((300_000.0, f64::INFINITY))),
];

/// Takes what comes and drops it.
pub struct Discard;

/// It looks names up first, as workers do.
static RESOLVES: AtomicBool = AtomicBool::new(false);

impl official::Transport for Discard {
    fn send_envelope(&self, envelope: official::Envelope) {
        drop(envelope);
    }
}

impl ours::Transport for Discard {
    fn send_envelope(&self, envelope: ours::Envelope) {
        drop(envelope);
    }

    fn send(&self, outbound: ours::Outbound) {
        if RESOLVES.load(Ordering::Relaxed) {
            drop(outbound.finish());
        }
    }

    /// Logs and metrics come a hundred at a time, as to the background transport; the official crate batches by itself.
    fn gather(&self, _: ours::Gathered) -> bool {
        true
    }
}

/// A transport as others write them: it wants envelopes.
struct DiscardFinished;

impl ours::Transport for DiscardFinished {
    fn send_envelope(&self, envelope: ours::Envelope) {
        drop(envelope);
    }
}

/// Keeps what comes, as a queue does: whoever takes it out drops it.
struct Keep<T>(Mutex<Vec<T>>);

impl<T> Default for Keep<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl official::Transport for Keep<official::Envelope> {
    fn send_envelope(&self, envelope: official::Envelope) {
        self.0.lock().unwrap().push(envelope);
    }
}

impl ours::Transport for Keep<ours::Outbound> {
    fn send_envelope(&self, _: ours::Envelope) {}

    fn send(&self, outbound: ours::Outbound) {
        self.0.lock().unwrap().push(outbound);
    }
}

#[derive(Debug)]
struct Chained(u8);

impl std::fmt::Display for Chained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the operation failed at level {}", self.0)
    }
}

impl std::error::Error for Chained {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0 {
            1 => Some(&Self(2)),
            2 => Some(&Self(3)),
            _ => None,
        }
    }
}

macro_rules! rows {
    ($module:ident, $krate:ident, $sent:ty) => {
        mod $module {
            use std::sync::Arc;

            use sentry::protocol::{Breadcrumb, User};
            use sentry::{Client, ClientOptions, Hub, Level, Scope, TransactionContext};
            use $krate as sentry;

            use super::*;

            fn options() -> ClientOptions {
                let options = ClientOptions::new().dsn("http://public@127.0.0.1:9/42");
                options.transport(Arc::new(Discard))
            }

            /// Runs `f` in a hub of its own with a client of its own.
            pub(super) fn with(
                options: ClientOptions,
                setup: impl FnOnce(&mut Scope),
                f: impl FnOnce() -> Cost,
            ) -> Cost {
                let client = Arc::new(Client::from(sentry::apply_defaults(options)));
                let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
                let cost = Hub::run(hub, || {
                    sentry::configure_scope(setup);
                    f()
                });
                client.close(None);
                cost
            }

            fn crumb() -> Breadcrumb {
                Breadcrumb {
                    category: Some("http".into()),
                    message: Some("GET /orders".into()),
                    ..Default::default()
                }
            }

            fn fill_ring() {
                (0..100).for_each(|_| sentry::add_breadcrumb(crumb()));
            }

            fn rich(scope: &mut Scope) {
                for n in 0..10 {
                    scope.set_tag(&format!("tag.{n}"), n);
                }
                for n in 0..5 {
                    scope.set_extra(&format!("extra.{n}"), n.into());
                }
                scope.set_user(Some(User { id: Some("4711".into()), ..Default::default() }));
            }

            fn send() {
                let _ = sentry::capture_message("something happened", Level::Info);
            }

            pub fn off_message() -> Cost {
                round(send)
            }

            pub fn off_breadcrumb() -> Cost {
                round(|| sentry::add_breadcrumb(crumb))
            }

            pub fn off_with_scope() -> Cost {
                round(|| sentry::with_scope(|scope| scope.set_tag("a", "b"), || black_box(())))
            }

            pub fn off_log() -> Cost {
                round(|| sentry::logger_info!(user.id = black_box(42), "signed in"))
            }

            pub fn off_counter() -> Cost {
                round(|| sentry::metrics::counter("requests", 1).capture())
            }

            pub fn off_gauge() -> Cost {
                round(|| sentry::metrics::gauge("queue", black_box(17.25)).capture())
            }

            pub fn off_configure() -> Cost {
                round(|| sentry::configure_scope(|scope| scope.set_tag("a", "b")))
            }

            fn telemetry() -> ClientOptions {
                options().release("shop@1.2.3")
            }

            pub fn log() -> Cost {
                with(telemetry(), |_| {}, || round(|| sentry::logger_info!("signed in")))
            }

            pub fn log_argument() -> Cost {
                with(telemetry(), |_| {}, || round(|| sentry::logger_info!("signed in: {}", black_box(42))))
            }

            fn log_with_attributes() -> Cost {
                round(|| {
                    sentry::logger_info!(
                        user.id = black_box(42),
                        plan = black_box("business"),
                        trial = black_box(false),
                        "signed in"
                    );
                })
            }

            pub fn log_attributes() -> Cost {
                with(telemetry(), |_| {}, log_with_attributes)
            }

            pub fn log_rich() -> Cost {
                let setup = |scope: &mut Scope| {
                    scope.set_user(Some(User { id: Some("4711".into()), ..Default::default() }));
                };
                with(telemetry(), setup, log_with_attributes)
            }

            pub fn log_many() -> Cost {
                with(
                    telemetry(),
                    |_| {},
                    || {
                        round(|| {
                            sentry::logger_info!(
                                user.id = black_box(42),
                                user.plan = black_box("business"),
                                user.trial = black_box(false),
                                cart.items = black_box(3),
                                cart.total = black_box(129.95),
                                cart.currency = black_box("EUR"),
                                request.method = black_box("POST"),
                                request.path = black_box("/orders"),
                                request.retry = black_box(true),
                                request.bytes = black_box(1_048_576),
                                "signed in"
                            );
                        })
                    },
                )
            }

            pub fn counter() -> Cost {
                with(telemetry(), |_| {}, || round(|| sentry::metrics::counter("requests", 1).capture()))
            }

            pub fn counter_with_attributes() -> Cost {
                round(|| {
                    sentry::metrics::counter("requests", 1)
                        .attribute("method", black_box("GET"))
                        .attribute("status", black_box(200))
                        .capture();
                })
            }

            pub fn counter_attributes() -> Cost {
                with(telemetry(), |_| {}, counter_with_attributes)
            }

            pub fn gauge() -> Cost {
                with(telemetry(), |_| {}, off_gauge)
            }

            pub fn distribution() -> Cost {
                with(
                    telemetry(),
                    |_| {},
                    || {
                        round(|| {
                            sentry::metrics::distribution("latency", black_box(12.5))
                                .unit(sentry::protocol::Unit::Millisecond)
                                .capture();
                        })
                    },
                )
            }

            fn transaction(spans: u32) {
                let transaction =
                    sentry::start_transaction(TransactionContext::new("GET /orders", "http.server"));
                for _ in 0..spans {
                    transaction.start_child("db.query", "SELECT 1").finish();
                }
                transaction.finish();
            }

            fn transactions(rate: f32, spans: u32) -> Cost {
                const CALLS: u32 = 64;
                let kept = Arc::<Keep<$sent>>::default();
                let options = options().traces_sample_rate(rate).transport(Arc::clone(&kept));
                with(
                    options,
                    |_| {},
                    || {
                        let calls = || (0..CALLS).for_each(|_| transaction(spans));
                        // Once to have room, then without the time that the worker takes to drop them.
                        calls();
                        kept.0.lock().unwrap().clear();
                        let (total, ()) = once(calls);
                        kept.0.lock().unwrap().clear();
                        let calls = f64::from(CALLS);
                        Cost { nanos: total.nanos / calls, allocations: total.allocations / calls }
                    },
                )
            }

            pub fn off_transaction() -> Cost {
                round(|| transaction(0))
            }

            pub fn transaction_bare() -> Cost {
                transactions(1.0, 0)
            }

            pub fn transaction_sampled() -> Cost {
                transactions(1.0, 100)
            }

            pub fn transaction_unsampled() -> Cost {
                transactions(0.0, 100)
            }

            pub fn transaction_large() -> Cost {
                transactions(1.0, 1_000)
            }

            pub fn transaction_large_finish() -> Cost {
                with(
                    options().traces_sample_rate(1.0),
                    |_| {},
                    || {
                        let transaction =
                            sentry::start_transaction(TransactionContext::new("GET /orders", "http.server"));
                        for _ in 0..1_000 {
                            transaction.start_child("db.query", "SELECT 1").finish();
                        }
                        once(|| transaction.finish()).0
                    },
                )
            }

            /// Has a transaction of 1,000 spans sent by way of `options`.
            pub(super) fn send_large(options: ClientOptions) {
                let options = options.dsn("http://public@127.0.0.1:9/42").traces_sample_rate(1.0);
                let _ = with(
                    options,
                    |_| {},
                    || {
                        transaction(1_000);
                        Cost::WORST
                    },
                );
            }

            pub fn init_off() -> Cost {
                let (cost, guard) = once(|| sentry::init(()));
                drop(guard);
                cost
            }

            pub fn init_on() -> Cost {
                let (cost, guard) = once(|| sentry::init("http://public@127.0.0.1:9/42"));
                drop(guard);
                cost
            }

            pub fn message() -> Cost {
                with(options(), |_| {}, || round(send))
            }

            pub fn message_before_send() -> Cost {
                with(options().before_send(Some), |_| {}, || round(send))
            }

            pub fn message_ring() -> Cost {
                with(
                    options(),
                    |_| {},
                    || {
                        fill_ring();
                        round(send)
                    },
                )
            }

            pub fn message_rich() -> Cost {
                with(options(), rich, || {
                    (0..10).for_each(|_| sentry::add_breadcrumb(crumb()));
                    round(send)
                })
            }

            pub fn error_chain() -> Cost {
                with(options(), |_| {}, || round(|| _ = black_box(sentry::capture_error(&Chained(1)))))
            }

            pub fn backtrace() -> Cost {
                with(
                    options().attach_stacktrace(true),
                    |_| {},
                    || {
                        deeper(20, &mut || {
                            // Who resolves a stack, normally the worker, learns how to walk it.
                            let mut last = Cost::WORST;
                            for resolves in black_box(&[true, true, false][..]) {
                                RESOLVES.store(*resolves, Ordering::Relaxed);
                                last = round(send);
                            }
                            last
                        })
                    },
                )
            }

            pub fn crumb_alone() -> Cost {
                round(|| drop(black_box(crumb())))
            }

            pub fn breadcrumb() -> Cost {
                with(
                    options(),
                    |_| {},
                    || {
                        fill_ring();
                        round(|| sentry::add_breadcrumb(black_box(crumb())))
                    },
                )
            }

            pub fn with_scope() -> Cost {
                with(options(), |_| {}, || round(|| sentry::with_scope(|_| {}, || black_box(()))))
            }

            pub fn with_scope_tag() -> Cost {
                with(options(), rich, || {
                    round(|| sentry::with_scope(|scope| scope.set_tag("step", "payment"), || black_box(())))
                })
            }

            pub fn with_scope_crumb() -> Cost {
                with(
                    options(),
                    |_| {},
                    || {
                        fill_ring();
                        round(|| sentry::with_scope(|_| {}, || sentry::add_breadcrumb(black_box(crumb()))))
                    },
                )
            }

            pub fn span_sampled() -> Cost {
                spans(1.0)
            }

            pub fn span_unsampled() -> Cost {
                spans(0.0)
            }

            fn spans(rate: f32) -> Cost {
                with(
                    options().traces_sample_rate(rate),
                    |_| {},
                    || {
                        // A transaction keeps 1,000 spans at most, so a round is a transaction of 900.
                        let transaction =
                            sentry::start_transaction(TransactionContext::new("GET /orders", "http.server"));
                        let (total, ()) = once(|| {
                            for _ in 0..900 {
                                transaction.start_child("db.query", "SELECT 1").finish();
                            }
                        });
                        transaction.finish();
                        Cost { nanos: total.nanos / 900.0, allocations: total.allocations / 900.0 }
                    },
                )
            }
        }
    };
}

rows!(ours_rows, ours, ours::Outbound);
rows!(official_rows, official, official::Envelope);

mod finished {
    use std::sync::Arc;

    use super::*;

    /// Everything from what the caller pushed to the bytes, without compression.
    pub fn transaction() -> Cost {
        let kept = Arc::<Keep<ours::Outbound>>::default();
        ours_rows::send_large(ours::ClientOptions::new().transport(Arc::clone(&kept)));
        let outbound = kept.0.lock().unwrap().pop().unwrap();
        let (cost, bytes) = once(|| {
            let mut bytes = Vec::new();
            outbound.finish().to_writer(&mut bytes).map(|()| bytes)
        });
        assert!(bytes.unwrap().len() > 100_000);
        cost
    }

    pub fn official_transaction() -> Cost {
        let kept = Arc::<Keep<official::Envelope>>::default();
        official_rows::send_large(official::ClientOptions::new().transport(Arc::clone(&kept)));
        let envelope = kept.0.lock().unwrap().pop().unwrap();
        let (cost, bytes) = once(|| {
            let mut bytes = Vec::new();
            envelope.to_writer(&mut bytes).map(|_| bytes)
        });
        assert!(bytes.unwrap().len() > 100_000);
        cost
    }

    pub fn message() -> Cost {
        let options = ours::ClientOptions::new().dsn("http://public@127.0.0.1:9/42");
        let options = options.transport(std::sync::Arc::new(DiscardFinished));
        let send =
            || _ = black_box(ours::capture_message(black_box("something happened"), ours::Level::Info));
        ours_rows::with(options, |_| {}, || round(send))
    }
}

/// Calls `f` below `depth` frames of its own.
#[inline(never)]
fn deeper(depth: u32, f: &mut dyn FnMut() -> Cost) -> Cost {
    let cost = if depth == 0 { f() } else { deeper(black_box(depth - 1), f) };
    black_box(cost)
}
