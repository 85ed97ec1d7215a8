//! Each layer has the filter it was given, and no other one's: what `RUST_LOG` shows on the terminal says nothing about what is
//! sent, and the other way round.

use std::io;
use std::sync::{Arc, Mutex};

use sentry::ClientOptions;
use sentry::integrations::tracing as ours;
use sentry::protocol::{EnvelopeItem, Event, Level, Transaction};
use sentry::test::with_captured_envelopes_options;
use tracing::{Subscriber, debug, error, info, info_span, subscriber, warn};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt, registry};

/// What goes to the terminal.
#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<Vec<u8>>>);

impl Terminal {
    /// The last word of each line.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.split_whitespace().last().unwrap_or_default().to_owned()).collect()
    }
}

impl io::Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Told {
    events: Vec<Event<'static>>,
    transactions: Vec<Transaction<'static>>,
}

impl Told {
    fn messages(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.message.as_deref().unwrap()).collect()
    }

    fn crumbs(&self) -> Vec<&str> {
        self.events
            .last()
            .unwrap()
            .breadcrumbs
            .iter()
            .map(|crumb| crumb.message.as_deref().unwrap())
            .collect()
    }

    /// The names of transactions, each with those of its spans.
    fn spans(&self) -> Vec<(&str, Vec<&str>)> {
        self.transactions
            .iter()
            .map(|it| {
                let below = it.spans.iter().map(|span| span.description.as_deref().unwrap()).collect();
                (it.name.as_deref().unwrap(), below)
            })
            .collect()
    }
}

/// Spans and events of three modules and all levels.
fn work() {
    info_span!(target: "app", "serve").in_scope(|| {
        debug!(target: "app", "detail");
        info!(target: "app", "crumb");
        info_span!(target: "noisy", "poll").in_scope(|| {
            warn!(target: "noisy", "retry");
            info_span!(target: "app", "query").in_scope(|| error!(target: "app", "broken"));
            error!(target: "noisy", "nonsense");
        });
    });
}

fn told(rate: f32, subscriber: impl Subscriber + Send + Sync) -> Told {
    let mut told = Told::default();
    let options = ClientOptions::new().traces_sample_rate(rate);
    let envelopes = with_captured_envelopes_options(|| subscriber::with_default(subscriber, work), options);
    for item in envelopes.iter().flat_map(|envelope| envelope.items()) {
        match item {
            EnvelopeItem::Event(event) => told.events.push((**event).clone()),
            EnvelopeItem::Transaction(transaction) => told.transactions.push((**transaction).clone()),
            _ => {}
        }
    }
    told
}

fn terminal<S>(terminal: &Terminal, filter: &str) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let terminal = terminal.clone();
    fmt::layer().with_ansi(false).with_writer(move || terminal.clone()).with_filter(EnvFilter::new(filter))
}

#[test]
fn what_the_terminal_hides_is_sent() {
    for filter in ["off", "error", "app=warn", "noisy=trace"] {
        for is_inner in [false, true] {
            let shown = Terminal::default();
            let told = if is_inner {
                told(1.0, registry().with(terminal(&shown, filter)).with(ours::layer()))
            } else {
                told(1.0, registry().with(ours::layer()).with(terminal(&shown, filter)))
            };
            assert_eq!(told.messages(), ["broken", "nonsense"], "{filter}");
            assert_eq!(told.crumbs(), ["crumb", "retry"], "{filter}");
            assert_eq!(told.spans(), [("serve", vec!["query", "poll"])], "{filter}");
            let expected: &[&str] = match filter {
                "off" => &[],
                "error" => &["broken", "nonsense"],
                "app=warn" => &["broken"],
                _ => &["retry", "nonsense"],
            };
            assert_eq!(shown.lines(), expected, "{filter}");
        }
    }
}

#[test]
fn what_is_not_sent_is_shown() {
    for rate in [0.0, 1.0] {
        let shown = Terminal::default();
        let ours = ours::layer().with_filter(EnvFilter::new("info,noisy=off"));
        let told = told(rate, registry().with(ours).with(terminal(&shown, "trace")));
        assert_eq!(shown.lines(), ["detail", "crumb", "retry", "broken", "nonsense"]);
        assert_eq!((told.messages(), told.crumbs()), (vec!["broken"], vec!["crumb"]));
        let spans = told.spans();
        // What is hidden is nobody's parent.
        assert_eq!(spans, if rate == 1.0 { vec![("serve", vec!["query"])] } else { Vec::new() });
        if let Some(transaction) = told.transactions.first() {
            let trace = serde_json::to_value(&transaction.contexts["trace"]).unwrap();
            assert_eq!(trace["span_id"], transaction.spans[0].parent_span_id.unwrap().to_string());
        }
    }
}

#[test]
fn each_layer_of_ours_has_a_filter_of_its_own() {
    let spans = ours::SpanLayer::default().with_filter(EnvFilter::new("noisy=info"));
    let errors = ours::ErrorLayer::default().with_filter(EnvFilter::new("app=error"));
    let crumbs = ours::BreadcrumbLayer::default().with_filter(EnvFilter::new("warn"));
    let told = told(1.0, registry().with(spans).with(errors).with(crumbs));
    assert_eq!((told.messages(), told.crumbs()), (vec!["broken"], vec!["retry"]));
    assert_eq!(told.spans(), [("poll", vec![])]);
    assert_eq!(told.events[0].level, Level::Error);
}

#[test]
fn a_filter_for_all_layers_is_one_for_ours_too() {
    let told = told(1.0, registry().with(EnvFilter::new("app=error")).with(ours::layer()));
    assert_eq!((told.messages(), told.transactions.len()), (vec!["broken"], 0));
}
