//! Events that are drafted while their fields go by are what those are that are put together.

use std::fmt;
use std::num::ParseIntError;

use sentry_core::protocol::{Breadcrumb, EnvelopeItem, ItemContainer, Level, Log};
use sentry_core::test::{with_captured_envelopes_options, with_captured_events_options};
use sentry_core::{ClientOptions, Envelope, Hub, capture_message, configure_scope};
use tracing::{info, subscriber, warn};
use tracing_core::Subscriber;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;

use super::*;

/// What was captured, but for the time.
#[derive(Debug, PartialEq)]
struct Captured {
    logs: Vec<Log>,
    breadcrumbs: Vec<Breadcrumb>,
}

fn captured<S>(layer: SentryLayer<S>, options: ClientOptions, run: impl FnOnce()) -> Captured
where
    S: Subscriber + for<'a> LookupSpan<'a> + Default + Send + Sync + 'static,
{
    let envelopes = with_captured_envelopes_options(
        || {
            subscriber::with_default(S::default().with(layer), run);
            capture_message("the end", Level::Error);
        },
        options.enable_logs(true),
    );
    let logs = |item: &EnvelopeItem| match item {
        EnvelopeItem::ItemContainer(ItemContainer::Logs(logs)) => logs.clone(),
        _ => Vec::new(),
    };
    let logs = envelopes.iter().flat_map(|envelope| envelope.items().flat_map(logs).collect::<Vec<_>>());
    let trace = |log: Log| Log { timestamp: std::time::UNIX_EPOCH, trace_id: None, ..log };
    let events: Vec<_> = envelopes.iter().filter_map(Envelope::event).collect();
    assert_eq!(events.len(), 1);
    let time = |crumb: &Breadcrumb| Breadcrumb { timestamp: std::time::UNIX_EPOCH, ..crumb.clone() };
    Captured {
        logs: logs.map(trace).collect(),
        breadcrumbs: events[0].breadcrumbs.iter().map(time).collect(),
    }
}

/// Everything is put together first.
fn mapped() -> SentryLayer<registry::Registry> {
    layer().event_mapper(|event, context| {
        let both = vec![
            EventMapping::Log(log_from_event(event, Some(&context))),
            EventMapping::Breadcrumb(breadcrumb_from_event(event, Some(&context))),
        ];
        EventMapping::Combined(both.into())
    })
}

fn not_a_number() -> ParseIntError {
    "x".parse::<u8>().unwrap_err()
}

/// Fields of all kinds, in all places.
fn write_all() {
    let error = not_a_number();
    info!("text");
    info!(user = 7, "signed in as {}", "me");
    info!(a = -1_i64, b = u64::MAX, c = true, d = 0.1, e = 2.0, f = f64::NAN, g = f64::INFINITY, "numbers");
    info!(a = i128::MAX, b = u128::MAX, c = 1_i128, d = 2_u128, "long numbers");
    info!(a = "x", b = ?"x", c = %"x", d = ?Some(1), e = "\"\\\n\u{1}ü🦀", "texts with \" and \n");
    info!(none = None::<i32>, some = Some(1), empty = tracing::field::Empty, "what is not there");
    info!(tags.a = "x", tags.b = 7, tags.c = 0.5, tags.d = ?Some(1), tags.e = false, "tags");
    warn!(error = "text", "an error");
    warn!(err = ?error, "an error");
    warn!(exception = %error, "an error");
    warn!(cause = &error as &(dyn std::error::Error + 'static), "an error");
    warn!(error = 7, "no error");
    info!(a = 1, message = "the text comes last");
    info!(message = 7, a = 1);
    info!(message = 0.5);
    info!(a = 1, b = "no text");
    info!(a = 1, tags.a = 2, "a name comes twice");
    info!(sentry.origin = "mine", "a name is taken");
    info!(code.line.number = 1, "a name is taken");
    info!("sentry.release" = "mine", "sentry.environment" = "mine", "that wins over what the client says");
    info!(target: "elsewhere", a = 1, "a target");
    info!(region = "here", "that wins over what the scope says");
    info!(region = None::<&str>, "that does not");
    #[rustfmt::skip]
    info!(
        a1 = 1, a2 = 2, a3 = 3, a4 = 4, a5 = 5, a6 = 6, a7 = 7, a8 = 8, a9 = 9, a10 = 10, a11 = 11, a12 = 12,
        a13 = 13, a14 = 14, a15 = 15, a16 = 16, a17 = 17, a18 = 18, a19 = 19, a20 = 20, a21 = 21, a22 = 22,
        a23 = 23, a24 = 24, a25 = 25, a26 = 26, a27 = 27, a28 = 28, a29 = 29, a30 = 30, a31 = 31, "many"
    );
}

fn options() -> ClientOptions {
    ClientOptions::new().release("shop@1").environment("test")
}

fn in_a_region(run: impl FnOnce()) {
    configure_scope(|scope| scope.set_attribute("region", "scope"));
    run();
}

#[test]
fn both_ways_lead_to_the_same() {
    let drafted = captured(layer::<registry::Registry>(), options(), || in_a_region(write_all));
    let expected = captured(mapped(), options(), || in_a_region(write_all));
    assert_eq!(drafted.logs.len(), 24);
    for (drafted, expected) in drafted.logs.iter().zip(&expected.logs) {
        assert_eq!(drafted, expected);
    }
    for (drafted, expected) in drafted.breadcrumbs.iter().zip(&expected.breadcrumbs) {
        assert_eq!(drafted, expected);
    }
    assert_eq!((drafted.logs.len(), drafted.breadcrumbs.len()), (24, 24));
    assert_eq!((expected.logs.len(), expected.breadcrumbs.len()), (24, 24));
    let region = |body: &str| {
        let log = drafted.logs.iter().find(|log| log.body == body).unwrap();
        log.attributes["region"].clone()
    };
    assert_eq!(region("that wins over what the scope says"), "here".into());
    assert_eq!(region("that does not"), "scope".into());
}

#[test]
fn callbacks_see_all_of_it() {
    let options = options()
        .before_send_log(|mut log| {
            // What cannot be sent is not there any more in one of both.
            log.attributes.retain(|_, value| !value.0.is_null());
            let fields = log.attributes.len();
            log.attributes.insert("fields".into(), (fields as u64).into());
            (log.body != "text").then_some(log)
        })
        .before_breadcrumb(|mut breadcrumb| {
            breadcrumb.data.insert("fields".into(), breadcrumb.data.len().into());
            (breadcrumb.message.as_deref() != Some("text")).then_some(breadcrumb)
        });
    let drafted = captured(layer::<registry::Registry>(), options.clone(), write_all);
    let expected = captured(mapped(), options, write_all);
    assert_eq!((drafted.logs.len(), drafted.breadcrumbs.len()), (23, 23));
    assert_eq!(drafted, expected);
}

#[test]
fn one_within_another_is_apart() {
    struct Talks;

    impl fmt::Debug for Talks {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!(inner = true, "inner");
            f.write_str("talks")
        }
    }

    let layer = layer::<registry::Registry>();
    let events = with_captured_events_options(
        || {
            let dispatch = tracing::Dispatch::new(registry::Registry::default().with(layer));
            subscriber::with_default(registry::Registry::default(), || {
                tracing::dispatcher::with_default(&dispatch, || {
                    info!(a = 1, b = ?Talks, c = 2, "outer");
                });
            });
            capture_message("the end", Level::Error);
        },
        ClientOptions::new(),
    );
    let outer = events[0].breadcrumbs.iter().find(|crumb| crumb.message.as_deref() == Some("outer")).unwrap();
    let fields = serde_json::json!({"a": 1, "b": "talks", "c": 2});
    assert_eq!(serde_json::json!(outer.data), fields);
}

#[test]
fn breadcrumbs_that_nobody_keeps_leave_logs_alone() {
    let captured = captured(layer::<registry::Registry>(), options().max_breadcrumbs(0), write_all);
    assert_eq!((captured.logs.len(), captured.breadcrumbs.len()), (24, 0));
}

#[test]
fn the_newest_are_kept_and_are_those_of_their_scope() {
    let run = || {
        (0..7).for_each(|n| info!(n, "outer"));
        Hub::current().with_scope(|_| {}, || (7..9).for_each(|n| info!(n, "inner")));
        sentry_core::add_breadcrumb(Breadcrumb { message: Some("whole".into()), ..Breadcrumb::default() });
        (9..11).for_each(|n| info!(n, "outer"));
    };
    let captured = captured(layer::<registry::Registry>(), options().max_breadcrumbs(5), run);
    let seen = captured.breadcrumbs.iter().map(|crumb| crumb.data.get("n").and_then(|n| n.as_u64()));
    assert_eq!(seen.collect::<Vec<_>>(), [Some(5), Some(6), None, Some(9), Some(10)]);
}
