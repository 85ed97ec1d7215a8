//! The process that captures.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::{Kind, Way, process};

/// `burst-client WAY KIND EVENTS DSN`; prints milliseconds to capture and to deliver, CPU milliseconds, and KiB.
pub fn client(arguments: &[&str]) {
    let [way, kind, events, dsn] = arguments[..] else { panic!("burst-client WAY KIND EVENTS DSN") };
    let (kind, events) = (Kind::parse(kind), events.parse().expect("a number"));
    let before = process::resident();
    let start = Instant::now();
    let captured = match Way::parse(way) {
        Way::Ours => by_ours::run(dsn, None, kind, events, Duration::from_secs(90)),
        Way::Official => by_official::run(dsn, None, kind, events, Duration::from_secs(5)),
        Way::Roomy => by_official::run(dsn, NonZeroUsize::new(20_000), kind, events, Duration::from_secs(5)),
    };
    let wall = start.elapsed();
    let grown = process::peak().saturating_sub(before);
    println!("{} {} {} {grown}", captured.as_micros(), wall.as_micros(), process::cpu().as_millis());
}

macro_rules! by {
    ($module:ident, $krate:ident) => {
        mod $module {
            use $krate as sentry;
            use sentry::protocol::{Context, Event, Exception, Frame, Stacktrace, User, Value};
            use sentry::{ClientOptions, Level};

            use super::*;
            use crate::burst::events::{Failure, failure_of, name};

            /// Captures, waits for the delivery, and says how long the captures took.
            pub(super) fn run(
                dsn: &str,
                capacity: Option<NonZeroUsize>,
                kind: Kind,
                events: usize,
                patience: Duration,
            ) -> Duration {
                let mut options = ClientOptions::new().release("bench@1.0.0");
                options.transport_channel_capacity = capacity;
                let guard = sentry::init((dsn, options));
                let start = Instant::now();
                (0..events).for_each(|n| capture(kind, n));
                let captured = start.elapsed();
                guard.flush(Some(patience));
                drop(guard);
                captured
            }

            fn capture(kind: Kind, n: usize) {
                match kind {
                    Kind::Message => _ = sentry::capture_message(&format!("order {n} was shipped"), Level::Info),
                    Kind::Error => {
                        failure_of!(n, sentry::capture_error, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19)
                    }
                    Kind::Event => _ = sentry::capture_event(event(n)),
                    Kind::Identical => _ = sentry::capture_error(&Failure::<0>(n)),
                }
            }

            fn event(n: usize) -> Event<'static> {
                let tags = (0..8).map(|k| (format!("tag.{k}"), format!("value {}", k * n)));
                let extra = (0..6).map(|k| (format!("extra.{k}"), Value::from(format!("{k}: {:x}", n * 7_919))));
                let fields = (0..5).map(|k| (format!("field.{k}"), Value::from(k + n)));
                let context = Context::Other(fields.collect());
                let exception = Exception {
                    ty: name(n).into(),
                    value: Some(format!("order {n} could not be shipped")),
                    module: Some("shop::orders".into()),
                    stacktrace: Some(Stacktrace { frames: (0..30).map(frame).collect(), ..Default::default() }),
                    ..Default::default()
                };
                Event {
                    level: Level::Error,
                    transaction: Some("POST /orders".into()),
                    tags: tags.collect(),
                    extra: extra.collect(),
                    contexts: [("order".to_owned(), context)].into_iter().collect(),
                    user: Some(User { id: Some(n.to_string()), ..Default::default() }),
                    exception: vec![exception].into(),
                    ..Default::default()
                }
            }

            fn frame(k: u64) -> Frame {
                Frame {
                    function: Some(format!("shop::orders::step_{k}::{{{{closure}}}}")),
                    filename: Some(format!("src/orders/step_{k}.rs")),
                    abs_path: Some(format!("/build/shop/src/orders/step_{k}.rs")),
                    lineno: Some(100 + k),
                    colno: Some(17),
                    in_app: Some(k % 3 == 0),
                    ..Default::default()
                }
            }
        }
    };
}

by!(by_ours, ours);
by!(by_official, official);
