//! What a span and an event of `tracing` cost, through the layer.

use std::hint::black_box;
use std::sync::Arc;

use tracing_subscriber::prelude::*;

use crate::measure::{Cost, round};
use crate::table::Row;

const ROUNDS: usize = 30;

/// One operation, in one crate.
type Round = fn() -> Cost;

/// The bare registry, with which the budgets for spans are compared, comes first.
pub fn all() -> Vec<Row> {
    let rows: [(&'static str, Round, Round, Option<(f64, f64)>); 6] = [
        ("tracing span, registry alone", bare_span, bare_span, None),
        ("tracing span, sampled", ours_layer::sampled, official_layer::sampled, None),
        ("tracing span, unsampled", ours_layer::unsampled, official_layer::unsampled, None),
        ("tracing event, registry alone", bare_event, bare_event, None),
        ("tracing event, breadcrumb", ours_layer::breadcrumb, official_layer::breadcrumb, None),
        (
            "tracing event, breadcrumb + log",
            ours_layer::both,
            official_layer::both,
            Some((250.0, f64::INFINITY)),
        ),
    ];
    let rows = rows.map(|(name, ours, official, budget)| {
        let (mut best_ours, mut best_official) = (Cost::WORST, Cost::WORST);
        for _ in 0..ROUNDS {
            best_ours = best_ours.min(ours());
            best_official = best_official.min(official());
        }
        Row { name, ours: best_ours, official: best_official, budget }
    });
    let [bare, sampled, unsampled, ..] = &rows;
    let over = |name, row: &Row, budget| Row {
        name,
        ours: minus(row.ours, bare.ours),
        official: minus(row.official, bare.official),
        budget: Some(budget),
    };
    let over = [
        over("... over the registry, sampled", sampled, (190.0, f64::INFINITY)),
        over("... over the registry, unsampled", unsampled, (30.0, 0.0)),
    ];
    rows.into_iter().chain(over).collect()
}

/// Does what a row of ours is about, for those who count instructions: 900 spans, or as many events, in each round. Beside
/// them what an event becomes, as an application would write that itself.
pub fn again(row: &str, rounds: usize) {
    let spans = || (0..rounds).for_each(|_| _ = tracing::info_span!("root").in_scope(spans));
    let roots = || (0..rounds * 900).for_each(|_| span());
    let events = || (0..rounds * 900).for_each(|_| event());
    let counters =
        || (0..rounds * 900).for_each(|_| _ = ours::metrics::counter("requests", black_box(1)).capture());
    let crumbs = || (0..rounds * 900).for_each(|_| ours::add_breadcrumb(black_box(crumb())));
    match row {
        "bare" => tracing::subscriber::with_default(tracing_subscriber::registry(), spans),
        "sampled" => ours_layer::with(1.0, false, spans),
        "unsampled" => ours_layer::with(1e-9, false, spans),
        "sampled-root" => ours_layer::with(1.0, false, roots),
        "unsampled-root" => ours_layer::with(1e-9, false, roots),
        "breadcrumb" => ours_layer::with(0.0, false, events),
        "log" => ours_layer::with(0.0, true, || (0..rounds * 900).for_each(|_| log())),
        "counter" => ours_layer::with(0.0, true, counters),
        "add_breadcrumb" => ours_layer::with(0.0, true, crumbs),
        _ => ours_layer::with(0.0, true, events),
    }
}

fn minus(cost: Cost, base: Cost) -> Cost {
    Cost { nanos: cost.nanos - base.nanos, allocations: cost.allocations - base.allocations }
}

fn bare_span() -> Cost {
    tracing::subscriber::with_default(tracing_subscriber::registry(), || {
        tracing::info_span!("root").in_scope(spans)
    })
}

fn bare_event() -> Cost {
    tracing::subscriber::with_default(tracing_subscriber::registry(), || round(event))
}

fn event() {
    tracing::info!(user = black_box(7), "signed in");
}

fn log() {
    ours::logger_info!(
        user.id = black_box(42),
        plan = black_box("business"),
        trial = black_box(false),
        "signed in"
    );
}

fn crumb() -> ours::Breadcrumb {
    ours::Breadcrumb {
        category: Some("http".to_owned()),
        message: Some("GET /users".to_owned()),
        ..ours::Breadcrumb::default()
    }
}

fn span() {
    tracing::info_span!("query", rows = black_box(3)).in_scope(|| black_box(()));
}

/// A transaction keeps 1,000 spans at most, so a round is a transaction of 900.
fn spans() -> Cost {
    let (total, ()) = crate::measure::once(|| (0..900).for_each(|_| span()));
    Cost { nanos: total.nanos / 900.0, allocations: total.allocations / 900.0 }
}

/// Takes logs many at a time, as the background transport does, and throws them away.
struct Gathers;

impl ours::Transport for Gathers {
    fn send_envelope(&self, envelope: ours::Envelope) {
        drop(envelope);
    }

    fn send(&self, outbound: ours::Outbound) {
        drop(outbound);
    }

    fn gather(&self, _: ours::Gathered) -> bool {
        true
    }
}

macro_rules! layer {
    ($name:ident, $sentry:ident, $transport:expr) => {
        mod $name {
            use $sentry as sentry;

            use super::*;

            pub fn with<R>(rate: f32, has_logs: bool, call: impl FnOnce() -> R) -> R {
                let options = sentry::ClientOptions::new()
                    .dsn("http://public@127.0.0.1:9/42")
                    .traces_sample_rate(rate)
                    .enable_logs(has_logs)
                    .transport(Arc::new($transport));
                let client = Arc::new(sentry::Client::from(options));
                let hub = Arc::new(sentry::Hub::new(Some(client), Arc::default()));
                let layer = sentry::integrations::tracing::layer();
                let subscriber = tracing_subscriber::registry().with(layer);
                sentry::Hub::run(hub, || tracing::subscriber::with_default(subscriber, call))
            }

            pub fn sampled() -> Cost {
                with(1.0, false, || tracing::info_span!("root").in_scope(spans))
            }

            pub fn unsampled() -> Cost {
                with(1e-9, false, || tracing::info_span!("root").in_scope(spans))
            }

            pub fn breadcrumb() -> Cost {
                with(0.0, false, || round(event))
            }

            pub fn both() -> Cost {
                with(0.0, true, || round(event))
            }
        }
    };
}

layer!(ours_layer, ours, Gathers);
layer!(official_layer, official, crate::rows::Discard);
