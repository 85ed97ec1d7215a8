use std::error::Error;
use std::fmt;

use sentry_core::protocol::{Context as EventContext, EnvelopeItem, ItemContainer, Level, Log, LogLevel};
use sentry_core::test::{with_captured_envelopes_options, with_captured_events};
use sentry_core::{Envelope, capture_message};
use tracing::{Span, debug, error, info, info_span, subscriber, warn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use super::tests::{pairs, sampled, sent, transactions, tree};
use super::*;
fn logs(envelopes: &[Envelope]) -> Vec<Log> {
    let logs = |item: &EnvelopeItem| match item {
        EnvelopeItem::ItemContainer(ItemContainer::Logs(logs)) => logs.clone(),
        _ => Vec::new(),
    };
    envelopes.iter().flat_map(|envelope| envelope.items().flat_map(logs).collect::<Vec<_>>()).collect()
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer failed")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn outer() -> Outer {
    Outer("x".parse::<u8>().unwrap_err())
}

#[test]
fn events_become_what_their_level_says() {
    let envelopes = sent(sampled(), || {
        debug!("never");
        info!(user = 7, "signed in");
        warn!("slow");
        error!(tags.part = "db", rows = 3, "it broke");
        capture_message("later", Level::Error);
    });
    let events: Vec<_> = envelopes.iter().filter_map(Envelope::event).collect();
    assert_eq!(events.len(), 2);
    let crumbs: Vec<_> =
        events[0].breadcrumbs.iter().map(|crumb| crumb.message.as_deref().unwrap()).collect();
    assert_eq!(crumbs, ["signed in", "slow"]);
    assert_eq!(events[0].breadcrumbs[0].data["user"], 7);
    assert_eq!((events[0].message.as_deref(), events[0].level), (Some("it broke"), Level::Error));
    assert_eq!(events[0].tags["part"], "db");
    let EventContext::Other(fields) = &events[0].contexts["Rust Tracing Fields"] else { panic!() };
    assert_eq!(fields["rows"], 3);
    assert!(events[0].contexts.contains_key("Rust Tracing Location"));
    assert_eq!(events[0].logger.as_deref(), Some("sentry_integrations::tracing::event_tests"));
    assert_eq!(events[1].breadcrumbs.len(), 2, "an error is no breadcrumb of itself");
}

#[cfg(feature = "logs")]
#[test]
fn events_are_logs_as_well() {
    let envelopes = sent(sampled(), || {
        debug!("never");
        info!(user = 7, "signed in");
        error!("it broke");
    });
    let logs = logs(&envelopes);
    assert_eq!(logs.iter().map(|log| &*log.body).collect::<Vec<_>>(), ["signed in", "it broke"]);
    assert_eq!((logs[0].level, logs[1].level), (LogLevel::Info, LogLevel::Error));
    assert_eq!(logs[0].attributes["user"], 7.into());
    assert_eq!(logs[0].attributes["sentry.origin"], "auto.log.tracing".into());
}

#[cfg(feature = "logs")]
#[test]
fn odd_events_are_whole_logs_as_well() {
    let envelopes = sent(sampled(), || {
        info!(tags.part = "db", count = 3_u128, error = %"boom", "read {} rows", 3);
        info!(part = "own", tags.part = 7, "twice");
        info!(tracing.target = "mine", yes = true, name = "n");
        info!(none = tracing::field::Empty);
        capture_message("later", Level::Error);
    });
    let logs = logs(&envelopes);
    assert_eq!(logs.iter().map(|log| &*log.body).collect::<Vec<_>>(), ["read 3 rows", "twice", "", ""]);
    let expected: [&[(&str, sentry_core::protocol::LogAttribute)]; 4] = [
        &[("part", "db".into()), ("count", 3.into()), ("error", "boom".into())],
        &[("part", "7".into())],
        &[("yes", true.into()), ("name", "n".into())],
        &[],
    ];
    for (log, expected) in logs.iter().zip(expected) {
        for (key, value) in expected {
            assert_eq!(&log.attributes[*key], value, "{key}");
        }
        assert_eq!(log.attributes["tracing.target"], "sentry_integrations::tracing::event_tests".into());
        assert!(log.attributes.contains_key("code.line.number"));
        assert!(!log.attributes.contains_key("none"));
    }
    let event = envelopes.iter().find_map(Envelope::event).unwrap();
    let crumbs: Vec<_> = event.breadcrumbs.iter().map(|crumb| (&*crumb.ty, crumb.data.len())).collect();
    assert_eq!(crumbs, [("error", 2), ("log", 1), ("log", 3), ("log", 0)]);
}

#[cfg(feature = "logs")]
#[test]
fn without_logs_breadcrumbs_stay() {
    let envelopes = sent(sampled().enable_logs(false), || {
        info!("signed in");
        capture_message("later", Level::Error);
    });
    assert!(logs(&envelopes).is_empty());
    assert_eq!(envelopes.iter().find_map(Envelope::event).unwrap().breadcrumbs.len(), 1);
}

#[test]
fn errors_in_fields_become_exceptions_with_their_sources() {
    let events = with_captured_events(|| {
        subscriber::with_default(registry().with(layer()), || {
            let error = outer();
            error!(error = &error as &(dyn Error + 'static), "typed");
            error!(error = ?error, "debug");
            error!(error = %error, "display");
            error!(%error);
        });
    });
    let exceptions = |index: usize| -> Vec<_> {
        events[index].exception.iter().map(|it| (it.ty.clone(), it.value.clone().unwrap())).collect()
    };
    let own = |ty: &str, value: &str| (ty.to_owned(), value.to_owned());
    assert_eq!(
        exceptions(0),
        [own("ParseIntError", "invalid digit found in string"), own("Outer", "outer failed")]
    );
    assert_eq!(exceptions(1), [own("Outer", "Outer(ParseIntError { kind: InvalidDigit })")]);
    assert_eq!(exceptions(2), [own("Error", "outer failed")]);
    assert_eq!(exceptions(3), [own("Error", "outer failed")]);
    assert_eq!(events[0].exception[1].mechanism.as_ref().unwrap().ty, "tracing");
}

/// What `anyhow` writes by `?`, with `RUST_BACKTRACE` set.
const REPORT: &str = "cannot start\n\nCaused by:\n    0: no config\n    1: no such file\n\n\
                      Stack backtrace:\n   0: shop::read\n             at /src/shop/src/config.rs:7:5\n   \
                      1: shop::main\n             at /src/shop/src/main.rs:3:5\n";

#[test]
fn a_report_in_a_field_becomes_exceptions_with_their_sources_and_its_backtrace() {
    let events = with_captured_events(|| {
        subscriber::with_default(registry().with(layer()), || {
            error!(error = ?format_args!("{REPORT}"), "it broke");
        });
    });
    let exceptions: Vec<_> = events[0].exception.iter().map(|it| it.value.as_deref().unwrap()).collect();
    assert_eq!(exceptions, ["no such file", "no config", "cannot start"]);
    assert_eq!(events[0].exception[2].mechanism.as_ref().unwrap().ty, "tracing");
    if cfg!(feature = "backtrace") {
        let frames = &events[0].exception[2].stacktrace.as_ref().unwrap().frames;
        let names: Vec<_> = frames.iter().map(|frame| frame.function.as_deref().unwrap()).collect();
        assert_eq!(names, ["shop::main", "shop::read"]);
    }
}

#[test]
fn fields_of_the_spans_around_are_added_where_that_is_wanted() {
    let run = || {
        info_span!("request", id = 7, late = tracing::field::Empty).in_scope(|| {
            Span::current().record("late", "yes");
            error!(own = 1, "it broke");
        });
    };
    let with = with_captured_events(|| {
        subscriber::with_default(registry().with(layer().enable_span_attributes()), run);
    });
    let EventContext::Other(fields) = &with[0].contexts["Rust Tracing Fields"] else { panic!() };
    assert_eq!(
        (&fields["request:id"], &fields["request:late"], &fields["own"]),
        (&7.into(), &"yes".into(), &1.into())
    );
    let without = with_captured_events(|| subscriber::with_default(registry().with(layer()), run));
    let EventContext::Other(fields) = &without[0].contexts["Rust Tracing Fields"] else { panic!() };
    assert_eq!(fields.len(), 1);
}

#[test]
fn single_layers_do_one_thing_each() {
    let subscriber = registry()
        .with(SpanLayer::new())
        .with(ErrorLayer::new().with_filter(tracing_subscriber::filter::LevelFilter::WARN))
        .with(BreadcrumbLayer::new().enable_span_attributes())
        .with(LogLayer::new());
    let envelopes = with_captured_envelopes_options(
        || {
            subscriber::with_default(subscriber, || {
                info_span!("root", id = 1).in_scope(|| {
                    debug!("small");
                    warn!("big");
                });
            });
        },
        sampled(),
    );
    let events: Vec<_> = envelopes.iter().filter_map(Envelope::event).collect();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].breadcrumbs[0].data["root:id"], 1);
    assert_eq!(transactions(&envelopes).len(), 1);
}

#[test]
fn filters_and_mappers_have_their_way() {
    let layer = layer()
        .event_filter(|_| panic!("a mapper is there"))
        .event_mapper(|event, context| {
            let crumb = breadcrumb_from_event(event, &context);
            let event = event_from_event(event, &context);
            vec![EventMapping::Breadcrumb(crumb), EventMapping::Event(Box::new(event))].into_mapping()
        })
        .span_filter(|metadata| metadata.name() != "hidden");
    let envelopes = with_captured_envelopes_options(
        || {
            subscriber::with_default(registry().with(layer), || {
                info_span!("root").in_scope(|| {
                    info_span!("hidden").in_scope(|| info_span!("shown").in_scope(|| debug!("x")));
                });
            });
        },
        sampled(),
    );
    assert_eq!(envelopes.iter().filter_map(Envelope::event).count(), 1);
    assert_eq!(tree(&transactions(&envelopes)[0]), pairs(&[("shown", "-")]));
}

trait IntoMapping {
    fn into_mapping(self) -> EventMapping;
}

impl IntoMapping for Vec<EventMapping> {
    fn into_mapping(self) -> EventMapping {
        EventMapping::Combined(self.into())
    }
}

/// Logs where it says what it looks like.
struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!("looked at");
        f.write_str("chatty")
    }
}

#[test]
fn a_value_that_logs_may_be_recorded_where_events_have_the_fields_of_spans() {
    // A thread of its own would wait for itself for ever: the process has one dispatcher then, which does not look whether
    // it is being called.
    let subscriber = registry().with(layer().enable_span_attributes());
    let envelopes = with_captured_envelopes_options(
        || {
            subscriber::with_default(subscriber, || {
                let span = info_span!("root", first = ?Chatty, second = tracing::field::Empty);
                let _entered = span.enter();
                span.record("second", tracing::field::debug(Chatty));
                warn!("big");
                error!("bigger");
            });
        },
        sampled(),
    );
    let events: Vec<_> = envelopes.iter().filter_map(Envelope::event).collect();
    let data = &events[0].breadcrumbs.values.last().unwrap().data;
    assert_eq!((&data["root:first"], &data["root:second"]), (&"chatty".into(), &"chatty".into()));
}
