//! Each cap: what is at it stays, what is over it is cut, and `_meta` says so.

use sentry_core::ClientOptions;
use sentry_core::protocol::{
    Breadcrumb, Context, Event, Exception, Frame, LogEntry, Map, Mechanism, Request, Span, Stacktrace,
    Thread, Transaction, User, Value,
};
use serde_json::json;

use super::{applied, limits, nested, sent, sent_transaction};
use crate::limits::Limits;

type Set = fn(&mut Event<'static>, String);

/// A text, where it stands, its cap and its allowance.
const TEXTS: &[(&str, usize, usize, Set)] = &[
    ("/message", 8_192, 200, |event, text| event.message = Some(text)),
    ("/culprit", 200, 0, |event, text| event.culprit = Some(text)),
    ("/transaction", 200, 0, |event, text| event.transaction = Some(text)),
    ("/logger", 64, 0, |event, text| event.logger = Some(text)),
    ("/server_name", 200, 0, |event, text| event.server_name = Some(text.into())),
    ("/logentry/message", 8_192, 200, |event, text| {
        event.logentry = Some(LogEntry { message: text, ..LogEntry::default() });
    }),
    ("/exception/values/0/type", 256, 20, |event, text| exception(event).ty = text),
    ("/exception/values/0/value", 8_192, 200, |event, text| exception(event).value = Some(text)),
    ("/exception/values/0/module", 256, 20, |event, text| exception(event).module = Some(text)),
    ("/exception/values/0/mechanism/type", 128, 0, |event, text| {
        exception(event).mechanism = Some(Mechanism { ty: text, ..Mechanism::default() });
    }),
    ("/exception/values/0/stacktrace/frames/0/function", 512, 20, |event, text| {
        let frame = Frame { function: Some(text), ..Frame::default() };
        exception(event).stacktrace = Some(Stacktrace { frames: vec![frame], ..Stacktrace::default() });
    }),
    ("/threads/values/0/name", 1_024, 0, |event, text| {
        event.threads.values.push(Thread { name: Some(text), ..Thread::default() });
    }),
    ("/breadcrumbs/values/0/message", 8_192, 200, |event, text| {
        event.breadcrumbs.values.push(Breadcrumb { message: Some(text), ..Breadcrumb::default() });
    }),
    ("/breadcrumbs/values/0/category", 128, 0, |event, text| {
        event.breadcrumbs.values.push(Breadcrumb { category: Some(text), ..Breadcrumb::default() });
    }),
    ("/user/id", 128, 0, |event, text| event.user = Some(User { id: Some(text), ..User::default() })),
    ("/user/email", 75, 0, |event, text| event.user = Some(User { email: Some(text), ..User::default() })),
    ("/tags/plan", 200, 0, |event, text| drop(event.tags.insert("plan".into(), text))),
    ("/request/query_string", 1_024, 0, |event, text| {
        event.request = Some(Request { query_string: Some(text), ..Request::default() });
    }),
];

fn exception<'e>(event: &'e mut Event<'static>) -> &'e mut Exception {
    event.exception.values.push(Exception::default());
    event.exception.values.last_mut().unwrap()
}

fn with(set: Set, text: &str) -> Event<'static> {
    let mut event = Event::default();
    set(&mut event, text.to_owned());
    event
}

#[test]
fn a_text_is_cut_between_characters_and_only_when_it_is_too_long() {
    for (place, most, allowance, set) in TEXTS {
        for letter in ["x", "é", "卡", "🦀"] {
            let longest = letter.repeat(most + allowance);
            let (payload, trimmed) = sent(with(*set, &longest));
            assert_eq!(payload.pointer(place), Some(&json!(longest)), "{place}");
            assert_eq!((trimmed.cuts, payload.get("_meta")), (0, None), "{place}");

            let (payload, trimmed) = sent(with(*set, &letter.repeat(most + allowance + 1)));
            let start = letter.len() * (most - 3);
            assert_eq!(payload.pointer(place), Some(&json!(letter.repeat(most - 3) + "...")), "{place}");
            let remark = json!({"rem": [["!limit", "s", start, start + 3]], "len": most + allowance + 1});
            assert_eq!(payload["_meta"].pointer(&format!("{place}/")), Some(&remark), "{place}");
            assert_eq!(trimmed.cuts, 1, "{place}");
        }
    }
}

#[test]
fn an_application_may_ask_for_shorter_texts() {
    let limits = Limits::new(&ClientOptions::new().max_value_length(50));
    let event = Event {
        message: Some("x".repeat(100)),
        extra: [("note".to_owned(), json!({"text": "y".repeat(100), "n": 1}))].into(),
        tags: [("plan".to_owned(), "z".repeat(100))].into(),
        ..Event::default()
    };
    let (payload, _) = applied(&limits, event.into());
    assert_eq!(payload["message"], "x".repeat(47) + "...");
    assert_eq!(payload["extra"]["note"]["text"], "y".repeat(47) + "...");
    assert_eq!(payload["tags"]["plan"], "z".repeat(100), "no text but a label");
}

#[test]
fn extras_have_a_budget_each_and_one_together() {
    let extra = |items: usize, bytes: usize| Event {
        extra: (0..items).map(|n| (format!("k{n:03}"), Value::from("x".repeat(bytes)))).collect(),
        ..Event::default()
    };
    let (payload, _) = sent(extra(1, 20_000));
    let text = payload["extra"]["k000"].as_str().unwrap();
    assert!((16_300..16_384).contains(&text.len()), "{}", text.len());
    assert_eq!(payload["_meta"]["extra"]["k000"][""]["len"], 20_000);

    let (payload, _) = sent(extra(100, 10_000));
    let kept = payload["extra"].as_object().unwrap();
    assert_eq!(kept.len(), 27, "26 whole ones, and what there was room for of the next");
    assert_eq!(payload["_meta"]["extra"][""]["len"], 100);
    assert!(serde_json::to_string(kept).unwrap().len() <= 256 * 1024);
}

#[test]
fn lists_and_objects_keep_their_beginning() {
    let (payload, _) = sent(Event {
        extra: [
            ("list".to_owned(), (0..100_000).collect()),
            (
                "object".to_owned(),
                Value::Object((0..9_999).map(|n| (format!("k{n:04}"), n.into())).collect()),
            ),
        ]
        .into(),
        ..Event::default()
    });
    let list = payload["extra"]["list"].as_array().unwrap();
    assert!((1_000..8_000).contains(&list.len()), "{}", list.len());
    assert_eq!((&list[0], &list[999]), (&json!(0), &json!(999)));
    assert_eq!(payload["_meta"]["extra"]["list"][""]["len"], 100_000);
    assert!(payload["extra"]["object"].get("k0000").is_some());
    assert_eq!(payload["_meta"]["extra"]["object"][""]["len"], 9_999);
}

#[test]
fn what_is_nested_too_deeply_becomes_a_text() {
    let (payload, trimmed) = sent(Event {
        extra: [("deep".to_owned(), nested(10))].into(),
        contexts: [("deep".to_owned(), Context::Other([("value".to_owned(), nested(10))].into()))].into(),
        ..Event::default()
    });
    assert_eq!(payload["extra"]["deep"], json!([[[[["[[[[[1]]]]]"]]]]]));
    assert_eq!(payload["contexts"]["deep"]["value"], json!([[[[["[[[[[1]]]]]"]]]]]));
    assert_eq!(trimmed.cuts, 0, "nothing is lost by it");
}

#[test]
fn a_stack_keeps_both_ends() {
    let frame = |n: usize| Frame { function: Some(format!("f{n}")), ..Frame::default() };
    let stack = |frames| Stacktrace { frames: (0..frames).map(frame).collect(), ..Stacktrace::default() };
    let event = |frames| Event {
        exception: vec![Exception { stacktrace: Some(stack(frames)), ..Exception::default() }].into(),
        ..Event::default()
    };
    let (payload, _) = sent(event(250));
    assert_eq!(payload.get("_meta"), None);
    let (payload, _) = sent(event(10_000));
    let frames = payload.pointer("/exception/values/0/stacktrace/frames").unwrap().as_array().unwrap();
    let function = |n: usize| frames[n]["function"].as_str().unwrap();
    assert_eq!(frames.len(), 250);
    assert_eq!([0, 124, 125, 249].map(function), ["f0", "f124", "f9875", "f9999"]);
    let length = payload["_meta"].pointer("/exception/values/0/stacktrace/frames//len");
    assert_eq!(length, Some(&json!(10_000)));
}

#[test]
fn remarks_of_others_move_with_what_they_are_about() {
    let crumb = |n: usize| Breadcrumb { message: Some(format!("m{n}")), ..Breadcrumb::default() };
    let remark = json!({"": {"rem": [["@jwt:filter", "s", 0, 2]], "len": 90}});
    let meta = json!({"breadcrumbs": {"values": {"3": {"message": remark}, "149": {"message": remark}}},
                      "message": {"": {"rem": [["@a:filter", "s", 0, 10], ["@b:filter", "s", 8999, 9009]], "len": 9500}}});
    let Value::Object(meta) = meta else { unreachable!() };
    let (payload, _) = sent(Event {
        message: Some("x".repeat(9_400)),
        breadcrumbs: (0..150).map(crumb).collect(),
        meta: Some(Box::new(meta.into_iter().collect())),
        ..Event::default()
    });
    assert_eq!(payload["breadcrumbs"]["values"][99]["message"], "m149");
    let of_crumbs = &payload["_meta"]["breadcrumbs"]["values"];
    assert_eq!(of_crumbs, &json!({"": {"len": 150}, "99": {"message": remark}}));
    let of_message = &payload["_meta"]["message"][""];
    let kept = json!({"rem": [["@a:filter", "s", 0, 10], ["!limit", "s", 8189, 8192]], "len": 9500});
    assert_eq!(of_message, &kept, "the length is that before anybody changed it");
}

#[test]
fn the_newest_breadcrumbs_the_outermost_and_the_innermost_exceptions_are_kept() {
    let exception = |n: usize| Exception { ty: format!("E{n}"), ..Exception::default() };
    let (payload, _) = sent(Event {
        exception: (0..300).map(exception).collect(),
        breadcrumbs: (0..100_000)
            .map(|n| Breadcrumb { message: Some(n.to_string()), ..Breadcrumb::default() })
            .collect(),
        ..Event::default()
    });
    let crumbs = payload["breadcrumbs"]["values"].as_array().unwrap();
    assert_eq!((crumbs.len(), &crumbs[99]["message"]), (100, &json!("99999")));
    let types: Vec<_> = payload["exception"]["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert_eq!((types.len(), types[0], types[24], types[25], types[49]), (50, "E0", "E24", "E275", "E299"));
    assert_eq!(payload["_meta"]["exception"]["values"][""]["len"], 300);
}

#[test]
fn tags_become_what_servers_take() {
    let tags = [
        ("ok.key-1:x_Y", "v"),
        ("a b/ä", "two\nlines"),
        ("", "x"),
        ("empty", ""),
        ("a$b", "1"),
        ("a-b", "2"),
    ];
    let (payload, _) = sent(Event {
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..Event::default()
    });
    assert_eq!(payload["tags"], json!({"ok.key-1:x_Y": "v", "a-b--": "two lines", "a-b": "2"}));
    let (payload, _) = sent(Event {
        tags: (0..100_000).map(|n| (format!("t{n:06}"), "x".repeat(100))).collect(),
        ..Event::default()
    });
    let kept = payload["tags"].as_object().unwrap().len();
    assert!((800..1_000).contains(&kept), "{kept}");
    assert_eq!(payload["_meta"]["tags"][""]["len"], 100_000);
}

#[test]
fn releases_environments_and_distributions_are_valid() {
    let of = |release: &str, environment: &str, dist: &str| {
        sent(Event {
            release: Some(release.to_owned().into()),
            environment: Some(environment.to_owned().into()),
            dist: Some(dist.to_owned().into()),
            ..Event::default()
        })
        .0
    };
    let payload = of("app@1.2.3", "production", "7");
    assert_eq!(payload.get("_meta"), None);
    let payload = of("feature/login\n", "a/b", "ä 1");
    assert_eq!(payload["release"], "feature-login-");
    assert_eq!((&payload["environment"], &payload["dist"]), (&json!("a-b"), &json!("--1")));
    assert_eq!(payload["_meta"]["release"][""]["rem"], json!([["!limit", "s", 0, 14]]));
    let payload = of("latest", "None", "");
    assert_eq!(["release", "environment", "dist"].map(|name| payload.get(name)), [None; 3]);
    assert_eq!(payload["_meta"]["release"][""], json!({"rem": [["!limit", "x"]], "len": 6}));
    let payload = of(&"é".repeat(300), &"é".repeat(300), &"x".repeat(65));
    assert_eq!(payload["release"].as_str().unwrap().len(), 200);
    assert_eq!(payload["environment"].as_str().unwrap().len(), 64);
    assert_eq!(payload["dist"].as_str().unwrap().len(), 64);
}

#[test]
fn a_url_that_is_too_long_stays_a_url() {
    let url = format!("http://example.com/shop?q={}#top", "x".repeat(5_000));
    let (payload, _) = sent(Event {
        request: Some(Request { url: url.parse().ok(), ..Request::default() }),
        ..Event::default()
    });
    assert_eq!(payload["request"]["url"], "http://example.com/shop");
    assert_eq!(payload["_meta"]["request"]["url"][""]["len"], url.len());
}

#[test]
fn a_transaction_keeps_its_first_thousand_spans() {
    let span = |n: usize| Span { op: Some(format!("op{n}")), ..Span::default() };
    let transaction = |spans| Transaction { spans: (0..spans).map(span).collect(), ..Transaction::default() };
    let (payload, trimmed) = sent_transaction(transaction(1_000));
    assert_eq!((payload.get("_meta"), &trimmed.losses[..]), (None, &[][..]));
    let (payload, trimmed) = sent_transaction(transaction(50_000));
    assert_eq!(payload["spans"].as_array().unwrap().len(), 1_000);
    assert_eq!(payload["_meta"]["spans"][""]["len"], 50_000);
    let loss = &trimmed.losses[0];
    assert_eq!((loss.category.to_string().as_str(), loss.quantity), ("span", 49_000));
}

#[test]
fn applying_them_twice_is_applying_them_once() {
    for (_, most, allowance, set) in TEXTS {
        let mut envelope = sentry_core::Envelope::from(with(*set, &"é".repeat(most + allowance + 9)));
        let _ = limits().apply(&mut envelope);
        let once = envelope.clone();
        assert_eq!(limits().apply(&mut envelope).cuts, 0);
        assert_eq!(envelope, once);
    }
}

#[test]
fn requests_and_maps_of_texts_have_budgets() {
    let headers = |n: usize| (0..n).map(|n| (format!("h{n:04}"), "v".repeat(100))).collect::<Map<_, _>>();
    let (payload, _) = sent(Event {
        request: Some(Request {
            data: Some("é".repeat(8_000)),
            headers: headers(1_000),
            cookies: Some("a=b; ".repeat(5_000)),
            ..Request::default()
        }),
        modules: (0..5_000).map(|n| (format!("m{n:04}"), "1.0.0".to_owned())).collect(),
        ..Event::default()
    });
    let request = &payload["request"];
    assert!(request["data"].as_str().unwrap().len() <= 8_192);
    assert!(serde_json::to_string(&request["headers"]).unwrap().len() <= 8_192);
    assert!(request["cookies"].as_str().unwrap().len() <= 2_048);
    assert!(serde_json::to_string(&payload["modules"]).unwrap().len() <= 8_192);
    assert_eq!(payload["_meta"]["modules"][""]["len"], 5_000);
    assert_eq!(payload["_meta"]["request"]["headers"][""]["len"], 1_000);
}
