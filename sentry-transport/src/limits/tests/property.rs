//! Random items: what comes out fits, says what is missing, and stays what it is.

use sentry_core::protocol::{
    Breadcrumb, Context, Envelope, Event, Exception, Frame, LogEntry, Map, Measurement, OsContext, Request,
    Span, SpanId, SpanLink, SpanStatus, Stacktrace, Thread, Transaction, User, Value,
};
use sentry_core::{ClientOptions, clock};

use super::{limits, payload};
use crate::limits::caps::Caps;
use crate::limits::visit::{self, Seen};
use crate::scrub::tests::dice::{Dice, PIECES};

const RUNS: u64 = if cfg!(debug_assertions) { 40 } else { 1_000 };

/// Mostly short, sometimes endless.
fn length(dice: &mut Dice) -> usize {
    match dice.below(40) {
        0 => dice.below(40_000),
        1..=3 => dice.below(10_000),
        4..=9 => dice.below(400),
        _ => dice.below(20),
    }
}

fn text(dice: &mut Dice) -> String {
    let (piece, length) = (dice.of(PIECES).to_owned(), length(dice));
    dice.text(PIECES) + &piece.repeat(length / piece.len().max(1))
}

fn value(dice: &mut Dice, depth: u32) -> Value {
    let parts = length(dice).min(300) / (1 + depth as usize).pow(3);
    match dice.below(8) {
        0 => Value::Null,
        1 => Value::from(dice.next()),
        2 if depth < 12 => (0..parts).map(|_| value(dice, depth + 1)).collect(),
        3 | 4 if depth < 12 => Value::Object(
            (0..parts).map(|n| (format!("{n}{}", dice.text(PIECES)), value(dice, depth + 1))).collect(),
        ),
        5 => (0..dice.below(60)).fold(Value::from("deep"), |value, _| Value::Array(vec![value])),
        _ => Value::from(text(dice)),
    }
}

fn values(dice: &mut Dice) -> Map<String, Value> {
    (0..length(dice).min(500)).map(|n| (format!("{n}{}", dice.text(PIECES)), value(dice, 1))).collect()
}

fn texts(dice: &mut Dice) -> Map<String, String> {
    (0..length(dice).min(1_000)).map(|n| (format!("{n}{}", dice.text(PIECES)), text(dice))).collect()
}

fn some<T>(dice: &mut Dice, make: impl FnOnce(&mut Dice) -> T) -> Option<T> {
    (dice.below(3) > 0).then(|| make(dice))
}

fn many<T>(dice: &mut Dice, mut make: impl FnMut(&mut Dice) -> T) -> Vec<T> {
    (0..length(dice).min(400)).map(|_| make(dice)).collect()
}

fn stack(dice: &mut Dice) -> Stacktrace {
    let frame = |dice: &mut Dice| Frame {
        function: some(dice, text),
        abs_path: some(dice, text),
        context_line: some(dice, text),
        pre_context: if dice.below(20) == 0 { many(dice, text) } else { Vec::new() },
        vars: if dice.below(9) == 0 { values(dice) } else { Map::new() },
        ..Frame::default()
    };
    Stacktrace { frames: many(dice, frame), ..Stacktrace::default() }
}

fn event(dice: &mut Dice) -> Event<'static> {
    let exception = |dice: &mut Dice| Exception {
        ty: text(dice),
        value: some(dice, text),
        stacktrace: (dice.below(4) == 0).then(|| stack(dice)),
        ..Exception::default()
    };
    let crumb = |dice: &mut Dice| Breadcrumb {
        message: some(dice, text),
        category: some(dice, text),
        data: if dice.below(9) == 0 { values(dice) } else { Map::new() },
        ..Breadcrumb::default()
    };
    Event {
        message: some(dice, text),
        logentry: some(dice, |dice| LogEntry {
            message: text(dice),
            params: many(dice, |dice| value(dice, 2)),
            formatted: some(dice, text),
        }),
        release: some(dice, |dice| text(dice).into()),
        environment: some(dice, |dice| text(dice).into()),
        fingerprint: many(dice, |dice| text(dice).into()).into(),
        exception: many(dice, exception).into(),
        threads: many(dice, |dice| Thread {
            name: some(dice, text),
            stacktrace: (dice.below(9) == 0).then(|| stack(dice)),
            ..Thread::default()
        })
        .into(),
        breadcrumbs: many(dice, crumb).into(),
        tags: texts(dice),
        modules: texts(dice),
        extra: values(dice),
        user: some(dice, |dice| User { id: some(dice, text), other: values(dice), ..User::default() }),
        request: some(dice, |dice| Request {
            data: some(dice, text),
            query_string: some(dice, text),
            headers: texts(dice),
            ..Request::default()
        }),
        contexts: [
            ("os".to_owned(), Context::from(OsContext { name: some(dice, text), ..OsContext::default() })),
            ("mine".to_owned(), Context::Other(values(dice))),
        ]
        .into(),
        ..Event::default()
    }
}

/// Every remark is about something that is there, or says that it is not.
fn check_meta(meta: &Value, value: Option<&Value>, path: &str) {
    for (name, inner) in meta.as_object().into_iter().flatten() {
        if !name.is_empty() {
            let part = match value {
                Some(Value::Array(values)) => name.parse().ok().and_then(|index: usize| values.get(index)),
                Some(Value::Object(fields)) => fields.get(name),
                _ => None,
            };
            check_meta(inner, part, &format!("{path}/{name}"));
            continue;
        }
        let length = inner["len"].as_u64();
        let remarks: Vec<_> = inner["rem"].as_array().into_iter().flatten().collect();
        if remarks.iter().any(|remark| remark[1] == "x") {
            let is_empty = |value: &Value| value.as_object().is_some_and(|fields| fields.is_empty());
            assert!(value.is_none_or(is_empty), "{path} is said to be gone");
            continue;
        }
        match value {
            Some(Value::String(text)) => {
                for remark in remarks {
                    let [start, end] = [2, 3].map(|index| remark[index].as_u64().unwrap() as usize);
                    let range = text.get(start..end).unwrap_or_else(|| panic!("{path} {remark}"));
                    assert!(
                        end <= text.len() && (range.is_empty() || "...".contains(range) || start == 0),
                        "{path}"
                    );
                }
                assert!(length.is_some(), "{path}");
            }
            Some(Value::Array(values)) => assert!(length > Some(values.len() as u64), "{path}"),
            Some(Value::Object(fields)) => assert!(length > Some(fields.len() as u64), "{path}"),
            Some(_) => panic!("{path}"),
            None => panic!("nothing at {path} to remark on"),
        }
    }
}

fn span(dice: &mut Dice) -> Span {
    Span {
        parent_span_id: some(dice, |_| SpanId::default()),
        same_process_as_parent: some(dice, |dice| dice.below(2) == 0),
        op: some(dice, text),
        description: some(dice, text),
        timestamp: some(dice, |_| clock::now()),
        status: some(dice, |_| SpanStatus::FailedPrecondition),
        tags: texts(dice),
        data: if dice.below(9) == 0 { values(dice) } else { Map::new() },
        origin: some(dice, text),
        measurements: (0..dice.below(3))
            .map(|n| {
                (format!("m{n}"), Measurement { value: 1.5, unit: some(dice, |dice| text(dice).into()) })
            })
            .collect(),
        links: (0..dice.below(3))
            .map(|_| SpanLink { attributes: values(dice), ..SpanLink::default() })
            .collect(),
        ..Span::default()
    }
}

/// As many names and as much to escape as possible, and nothing that is cut.
fn modest_span(dice: &mut Dice) -> Span {
    let ugly = |dice: &mut Dice, most| "\u{1}".repeat(dice.below(most));
    Span {
        parent_span_id: Some(SpanId::default()),
        same_process_as_parent: Some(false),
        op: Some(ugly(dice, 9)),
        description: Some(ugly(dice, 200)),
        timestamp: Some(clock::now()),
        status: Some(SpanStatus::FailedPrecondition),
        tags: [(ugly(dice, 3), ugly(dice, 9))].into(),
        data: [(ugly(dice, 9), ugly(dice, 30).into())].into(),
        origin: Some("auto".into()),
        links: vec![SpanLink { sampled: Some(false), ..SpanLink::default() }],
        ..Span::default()
    }
}

#[test]
fn what_is_below_a_size_for_sure_is_never_larger() {
    let caps = Caps::new(&ClientOptions::new());
    let mut told = 0;
    let mut check = |seen: Seen, json: serde_json::Result<Vec<u8>>, what: &str| {
        let size = json.unwrap().len();
        assert!(!seen.is_below(size), "{what}: {size} bytes, {seen:?}");
        // And it is not said of nothing.
        told += usize::from(seen.is_below(10 * size));
    };
    for seed in 0..RUNS {
        let mut dice = Dice(seed);
        let mut event = event(&mut dice);
        check(visit::event(&caps, &mut event), serde_json::to_vec(&event), &format!("event {seed}"));
        let make = if dice.below(2) == 0 { span } else { modest_span };
        let spans = (0..dice.below(60)).map(|_| make(&mut dice)).collect();
        let mut transaction = Transaction { spans, name: some(&mut dice, text), ..Transaction::default() };
        check(
            visit::transaction(&caps, &mut transaction),
            serde_json::to_vec(&transaction),
            &format!("transaction {seed}"),
        );
    }
    assert!(told > RUNS as usize / 4, "{told}");
}

#[test]
fn whatever_goes_in_what_comes_out_fits_and_is_explained() {
    for seed in 0..RUNS {
        let mut dice = Dice(seed);
        let event = event(&mut dice);
        let mut envelope = Envelope::from(event);
        let trimmed = limits().apply(&mut envelope);
        let sent = payload(&envelope);
        if let Some(meta) = sent.get("_meta") {
            assert!(trimmed.cuts > 0);
            check_meta(meta, Some(&sent), &format!("{seed}:"));
        }
        let once = envelope.clone();
        let again = limits().apply(&mut envelope);
        assert_eq!(again.cuts, 0, "seed {seed}");
        assert_eq!(envelope, once, "seed {seed}");
    }
}
