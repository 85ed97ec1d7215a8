//! Events that try to get refused, and values that try to end the process.

use sentry_core::protocol::{
    Breadcrumb, Context, Envelope, Event, Exception, Frame, Map, Request, Span, Stacktrace, Thread,
    Transaction, Value,
};
use serde_json::json;

use super::{limits, nested, sent, sent_transaction};

/// What escapes to six times its length.
const WORST: &str = "\u{1}";

fn frame(n: usize) -> Frame {
    Frame {
        function: Some(format!("f{n}")),
        filename: Some("src/shop/orders.rs".into()),
        context_line: Some("line".repeat(100)),
        pre_context: vec!["before".repeat(50); 5],
        post_context: vec!["after".repeat(50); 5],
        vars: (0..20).map(|n| (format!("v{n}"), Value::from("x".repeat(100)))).collect(),
        ..Frame::default()
    }
}

fn stack(frames: usize) -> Stacktrace {
    Stacktrace { frames: (0..frames).map(frame).collect(), ..Stacktrace::default() }
}

fn full() -> Event<'static> {
    let exception = |n: usize| Exception {
        ty: format!("E{n}"),
        value: Some("why ".repeat(2_000)),
        stacktrace: Some(stack(250)),
        ..Exception::default()
    };
    let data: Map<_, _> = [("d".to_owned(), Value::from("x".repeat(1_900)))].into();
    Event {
        message: Some("m".repeat(8_000)),
        exception: (0..10).map(exception).collect(),
        threads: (0..20)
            .map(|n| Thread { crashed: n == 7, stacktrace: Some(stack(100)), ..Thread::default() })
            .collect::<Vec<_>>()
            .into(),
        breadcrumbs: (0..100)
            .map(|_| Breadcrumb {
                message: Some("b".repeat(8_000)),
                data: data.clone(),
                ..Breadcrumb::default()
            })
            .collect(),
        extra: (0..16).map(|n| (format!("k{n}"), Value::from("x".repeat(16_000)))).collect(),
        contexts: (0..30)
            .map(|n| {
                (format!("c{n}"), Context::Other([("x".to_owned(), Value::from("x".repeat(8_000)))].into()))
            })
            .collect(),
        modules: (0..300).map(|n| (format!("m{n}"), "1.0.0".to_owned())).collect(),
        request: Some(Request { data: Some("body ".repeat(1_600)), ..Request::default() }),
        tags: (0..50).map(|n| (format!("t{n}"), "v".repeat(150))).collect(),
        ..Event::default()
    }
}

#[test]
fn what_is_worth_the_least_goes_first_and_the_core_stays() {
    let (payload, trimmed) = sent(full());
    assert!(trimmed.cuts > 0);
    let exceptions = payload["exception"]["values"].as_array().unwrap();
    let outermost = exceptions.last().unwrap();
    assert_eq!((exceptions.len(), &outermost["type"]), (10, &json!("E9")));
    assert_eq!(outermost["value"].as_str().unwrap().len(), 8_000);
    let frames = outermost["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(frames.last().unwrap()["function"], "f249");
    assert_eq!(frames[0]["function"], "f0");
    assert!(frames.iter().all(|frame| frame.get("vars").is_none()), "variables go first");
    assert_eq!(payload["tags"].as_object().unwrap().len(), 50);
    assert_eq!(payload["message"].as_str().unwrap().len(), 8_000);
}

#[test]
fn no_more_is_left_out_than_it_takes() {
    // Breadcrumbs alone are too much: everything else stays.
    let crumb = |n: usize| Breadcrumb {
        message: Some(format!("{n} {}", "b".repeat(8_000))),
        data: (0..9).map(|n| (format!("d{n}"), Value::from("\n".repeat(200)))).collect(),
        ..Breadcrumb::default()
    };
    let (payload, _) = sent(Event {
        breadcrumbs: (0..100).map(crumb).collect(),
        extra: [("cart".to_owned(), json!({"items": 3}))].into(),
        modules: [("serde".to_owned(), "1.0.0".to_owned())].into(),
        ..Event::default()
    });
    let crumbs = payload["breadcrumbs"]["values"].as_array().unwrap();
    assert!((80..95).contains(&crumbs.len()), "{}", crumbs.len());
    assert!(crumbs.last().unwrap()["message"].as_str().unwrap().starts_with("99 "));
    assert_eq!(payload["_meta"]["breadcrumbs"]["values"][""]["len"], 100);
    assert_eq!(payload["extra"]["cart"], json!({"items": 3}));
    assert_eq!(payload["modules"]["serde"], "1.0.0");
}

#[test]
fn the_crashed_thread_outlives_the_others() {
    let thread = |n: usize| Thread {
        id: Some((n as u64).into()),
        crashed: n == 200,
        stacktrace: Some(stack(120)),
        ..Thread::default()
    };
    let (payload, _) =
        sent(Event { threads: (0..300).map(thread).collect::<Vec<_>>().into(), ..Event::default() });
    let threads = payload["threads"]["values"].as_array().unwrap();
    assert_eq!((threads.len(), &threads[0]["id"]), (1, &json!(200)));
    assert_eq!(payload["_meta"]["threads"]["values"][""]["len"], 300);
}

#[test]
fn whatever_is_in_it_an_event_fits() {
    let bad = |chars: usize| WORST.repeat(chars);
    let frame = || Frame {
        function: Some(bad(600)),
        module: Some(bad(3_000)),
        package: Some(bad(3_000)),
        filename: Some(bad(3_000)),
        abs_path: Some(bad(3_000)),
        context_line: Some(bad(3_000)),
        vars: [(bad(100), Value::from(bad(5_000)))].into(),
        ..Frame::default()
    };
    let exception = || Exception {
        ty: bad(300),
        value: Some(bad(9_000)),
        stacktrace: Some(Stacktrace { frames: (0..60).map(|_| frame()).collect(), ..Stacktrace::default() }),
        ..Exception::default()
    };
    let (payload, _) = sent(Event {
        message: Some(bad(10_000)),
        culprit: Some(bad(1_000)),
        exception: (0..55).map(|_| exception()).collect(),
        tags: (0..2_000).map(|n| (format!("t{n}"), bad(200))).collect(),
        fingerprint: vec![bad(2_000).into(); 100].into(),
        extra: (0..1_000).map(|n| (format!("{n}"), Value::from(bad(1_000)))).collect(),
        ..Event::default()
    });
    let exceptions = payload["exception"]["values"].as_array().unwrap();
    assert!(!exceptions.is_empty() && !payload["tags"].as_object().unwrap().is_empty());
    assert!(!exceptions[0]["stacktrace"]["frames"].as_array().unwrap().is_empty());
}

#[test]
fn whatever_is_in_it_a_transaction_fits() {
    let span = |n: usize| Span {
        description: Some(format!("{n} {}", WORST.repeat(8_000))),
        data: (0..50).map(|n| (format!("k{n}"), Value::from(WORST.repeat(300)))).collect(),
        ..Span::default()
    };
    let (payload, trimmed) = sent_transaction(Transaction {
        name: Some(WORST.repeat(500)),
        spans: (0..1_000).map(span).collect(),
        extra: (0..100).map(|n| (format!("{n}"), Value::from(WORST.repeat(9_000)))).collect(),
        ..Transaction::default()
    });
    let spans = payload["spans"].as_array().unwrap();
    assert!((5..100).contains(&spans.len()), "{}", spans.len());
    assert_eq!(trimmed.losses.iter().map(|loss| loss.quantity).sum::<u64>(), 1_000 - spans.len() as u64);
    assert!(spans[0]["description"].as_str().unwrap().starts_with("0 "));
}

#[test]
fn neither_depth_nor_its_destruction_overflows_the_stack() {
    let deep = || nested(100_000);
    let run = move || {
        let (payload, _) = sent(Event {
            extra: [("a".to_owned(), deep()), ("b".to_owned(), json!([1]))].into(),
            contexts: [("c".to_owned(), Context::Other([("d".to_owned(), deep())].into()))].into(),
            breadcrumbs: vec![Breadcrumb {
                data: [("e".to_owned(), deep())].into(),
                ..Breadcrumb::default()
            }]
            .into(),
            meta: Some(Box::new([("f".to_owned(), deep())].into())),
            ..Event::default()
        });
        assert_eq!(payload["extra"]["b"], json!([1]));
        let text = payload["extra"].pointer("/a/0/0/0/0/0").unwrap().as_str().unwrap();
        assert!(text.starts_with("[[[[[[") && text.ends_with("[[[..."));
        // What has no room at all is taken apart as well.
        let wide: Map<_, _> = (0..50).map(|n| (format!("k{n}"), deep())).collect();
        let (payload, _) = sent(Event { extra: wide, ..Event::default() });
        assert_eq!(payload["_meta"]["extra"][""]["len"], 50);
        let spans = vec![Span { data: [("k".to_owned(), deep())].into(), ..Span::default() }];
        sent_transaction(Transaction { spans, ..Transaction::default() });
    };
    // As much as the worker has.
    std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_reduced_event_is_not_reduced_again() {
    let mut envelope = Envelope::from(full());
    let _ = limits().apply(&mut envelope);
    let once = envelope.clone();
    assert_eq!(limits().apply(&mut envelope).cuts, 0);
    assert_eq!(envelope, once);
}
