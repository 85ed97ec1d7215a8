//! Whatever comes: no panic, no work twice, no quadratic time.

use std::time::Duration;

use sentry_core::ClientOptions;
use sentry_core::options::ScrubOptions;
use sentry_core::protocol::{Breadcrumb, Envelope, Event, Exception, Request, Value};

use super::dice::{Dice, PIECES};
use crate::scrub::Scrubber;
use crate::scrub::clean::What;
use crate::scrub::json;
use crate::scrub::rules::{Rules, Source};

const WHATS: [What; 6] = [What::Body, What::Cookies, What::Query, What::Secret, What::Sql, What::Text];

fn rules() -> [Rules; 3] {
    [
        ClientOptions::new(),
        ClientOptions::new().send_default_pii(true),
        ClientOptions::new().scrub(ScrubOptions::strict().deny(["jo"])),
    ]
    .map(|options| Rules::new(&options))
}

/// `SENTRY_SCRUB_ROUNDS=1000000` in a release build takes about a minute.
#[expect(clippy::disallowed_methods, reason = "the knob of a test, not of the product")]
fn rounds(usual: u64) -> u64 {
    std::env::var("SENTRY_SCRUB_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

#[test]
fn any_text_is_clean_after_one_pass() {
    let rules = rules();
    for seed in 0..rounds(4_000) {
        let mut dice = Dice(seed);
        let text = dice.text(PIECES);
        let rules = &rules[dice.below(rules.len())];
        for what in WHATS {
            let source = if dice.below(2) == 0 { Source::Automatic } else { Source::User };
            let again = |text: &str| rules.clean("", text, what, source);
            let Some(once) = again(&text) else { continue };
            // Each remark is for one piece that went.
            let pieces = once.remarks().count();
            assert!(
                // JSON may be written with longer escapes.
                what == What::Body || once.text.len() <= text.len() + 10 * pieces,
                "seed {seed}: {text:?} => {:?}",
                once.text
            );
            assert!(
                again(&once.text).is_none(),
                "seed {seed}, {what:?} {source:?}: {text:?} => {:?} => {:?}",
                once.text,
                again(&once.text)
            );
            for remark in once.remarks() {
                let at = |index: usize| remark.get(index).and_then(Value::as_u64).map(|at| at as usize);
                let (Some(start), Some(end)) = (at(2), at(3)) else { continue };
                let mark = once.text.get(start..end);
                assert!(matches!(mark, Some("[Filtered]" | "?")), "seed {seed}: {text:?} {remark} {mark:?}");
            }
        }
    }
}

#[test]
fn any_json_stays_json_of_the_same_shape() {
    fn value(dice: &mut Dice, depth: usize) -> Value {
        match dice.below(if depth == 0 { 4 } else { 6 }) {
            0 => Value::Null,
            1 => dice.next().into(),
            2 => 4_111_111_111_111_111_u64.into(),
            3 => dice.text(PIECES).into(),
            4 => (0..dice.below(4)).map(|_| value(dice, depth - 1)).collect(),
            _ => (0..dice.below(4))
                .map(|index| (format!("{}{index}", dice.text(PIECES)), value(dice, depth - 1)))
                .collect(),
        }
    }

    fn shape(value: &Value) -> String {
        match value {
            Value::Array(values) => format!("[{}]", values.iter().map(shape).collect::<String>()),
            Value::Object(fields) => {
                let mut shapes: Vec<_> = fields.values().map(shape).collect();
                shapes.sort_unstable();
                format!("{{{}}}", shapes.concat())
            }
            Value::Null => "n".to_owned(),
            _ => "v".to_owned(),
        }
    }

    let rules = rules();
    for seed in 0..rounds(4_000) / 4 {
        let mut dice = Dice(seed);
        let rules = &rules[dice.below(rules.len())];
        let before = value(&mut dice, 4);
        let bytes = serde_json::to_vec(&before).unwrap();
        for read in [json::any, json::body] {
            let outcome = read(rules, &bytes, Source::Automatic);
            assert!(outcome.is_json, "seed {seed}: {before}");
            let Some(left) = outcome.json else { continue };
            let after: Value = serde_json::from_slice(&left)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}: {}", String::from_utf8_lossy(&left)));
            assert_eq!(shape(&after), shape(&before), "seed {seed}: {before} => {after}");
            assert!(read(rules, &left, Source::Automatic).json.is_none(), "seed {seed}: {before} => {after}");
        }
        let cut = dice.below(bytes.len() + 1);
        drop(json::any(rules, &bytes[..cut], Source::User));
        drop(json::batch(rules, &bytes[..cut]));
        drop(json::record(rules, &bytes));
    }
}

#[test]
fn what_is_nested_too_deep_to_be_read_goes() {
    let json = format!("{}\"password=hunter2\"{}", "[".repeat(600), "]".repeat(600));
    let left = json::any(&rules()[0], json.as_bytes(), Source::User).json.unwrap();
    let left = String::from_utf8(left).unwrap();
    assert_eq!(left, format!("{}\"[Filtered]\"{}", "[".repeat(512), "]".repeat(512)));
}

#[test]
fn any_bytes_are_read_to_the_end() {
    let rules = rules();
    for seed in 0..rounds(4_000) {
        let mut dice = Dice(seed);
        let bytes: Vec<u8> = (0..dice.below(64)).map(|_| dice.next() as u8).collect();
        for rules in &rules {
            drop(json::any(rules, &bytes, Source::Automatic));
            drop(json::batch(rules, &bytes));
            rules.clean("", &String::from_utf8_lossy(&bytes), What::Text, Source::Automatic);
        }
    }
}

#[test]
fn hostile_text_takes_no_longer_than_any() {
    const SIZE: usize = if cfg!(debug_assertions) { 1 << 15 } else { 1 << 20 };
    let patterns = [
        "a",
        "4",
        "41",
        "4 ",
        "4-",
        "eyJ",
        "eyJ-",
        "eyJ.",
        "eyJa.eyJ",
        "eyJhbGciOi.eyJ",
        "a@",
        "@",
        "@a.",
        "a@a.",
        ":",
        ":a",
        "://",
        "://a:b",
        "http://a@b:",
        "=",
        "a=",
        "password=",
        "password: ",
        "password=\"",
        "password:\\\"",
        "token: a ",
        "authorization: ",
        "authorization: 1",
        "Bearer ",
        "basic ",
        "basic+",
        "basic\u{20}aaaa",
        "bearer+",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-",
        "--",
        "--a ",
        "--token ",
        "<a>",
        "<password>",
        ">",
        "AKIA",
        "ghp_",
        "sk-",
        "DE89",
        "DE89 ",
        "123-45-",
        "1.1.1.",
        "2a00:",
        "/home/",
        "\\",
        "\"",
        "'",
        "{\"a\":",
        "[",
        "{",
        "\\\"",
        "é",
        "🦀",
        "&a=",
        "?a=",
        ";",
        "a;",
        "$a$",
        "$",
        "'\\",
        "github_pat_",
        "hooks.slack.com/services/",
        "SG.",
        "SG.a",
        "xoxb-",
    ];
    let rules = Rules::new(&ClientOptions::new().scrub(ScrubOptions::strict()));
    let mut slowest = (Duration::ZERO, "", What::Text);
    for pattern in patterns {
        let text = pattern.repeat(SIZE / pattern.len());
        for what in WHATS {
            let time = |_| {
                let start = sentry_core::clock::instant();
                rules.clean("", &text, what, Source::Automatic);
                start.elapsed()
            };
            // Once more where it took long: the machine may have been busy.
            let mut took = time(());
            for _ in 0..3 {
                if took < Duration::from_secs(1) {
                    break;
                }
                took = took.min(time(()));
            }
            slowest = slowest.max_by_time((took, pattern, what));
            // A quadratic scan of 1 MiB takes minutes, and one of 64 KiB without optimization seconds.
            assert!(took < Duration::from_secs(1), "{pattern:?} {what:?}: {took:?}");
        }
        let quoted = serde_json::to_vec(&text).unwrap();
        let start = sentry_core::clock::instant();
        drop(json::any(&rules, &quoted, Source::Automatic));
        drop(json::any(&rules, text.as_bytes(), Source::Automatic));
        drop(json::batch(&rules, text.as_bytes()));
        assert!(start.elapsed() < Duration::from_secs(10), "{pattern:?}: {:?}", start.elapsed());
    }
    println!("slowest of {SIZE} bytes: {:?} for {:?} as {:?}", slowest.0, slowest.1, slowest.2);
}

trait MaxByTime {
    fn max_by_time(self, other: Self) -> Self;
}

impl MaxByTime for (Duration, &str, What) {
    fn max_by_time(self, other: Self) -> Self {
        if other.0 > self.0 { other } else { self }
    }
}

#[test]
fn a_preview_of_anything_is_text() {
    let scrubber = Scrubber::new(&ClientOptions::new());
    for seed in 0..2_000 {
        drop(scrubber.preview(&Dice(seed).text(PIECES)));
    }
    for ugly in [
        "",
        "{",
        "[",
        "{}",
        "[]",
        "null",
        "\"",
        "{\"spans\":1,\"start_timestamp\":2}",
        "{\"message\":[]}",
        "{}\n{}",
    ] {
        drop(scrubber.preview(ugly));
    }
}

/// One text at many places of an event.
fn everywhere(text: &str) -> Event<'static> {
    let crumb = Breadcrumb {
        ty: "query".into(),
        message: Some(text.to_owned()),
        data: [(text.to_owned(), text.into())].into(),
        ..Breadcrumb::default()
    };
    let request = Request {
        url: text.parse().ok(),
        query_string: Some(text.to_owned()),
        cookies: Some(text.to_owned()),
        data: Some(text.to_owned()),
        headers: [("Referer".to_owned(), text.to_owned())].into(),
        ..Request::default()
    };
    Event {
        message: Some(text.to_owned()),
        exception: vec![Exception { value: Some(text.to_owned()), ..Exception::default() }].into(),
        breadcrumbs: vec![crumb].into(),
        request: Some(request),
        extra: [("note".to_owned(), text.into()), (text.to_owned(), 1.into())].into(),
        ..Event::default()
    }
}

#[test]
fn any_event_is_clean_after_one_pass() {
    let scrubber = Scrubber::new(&ClientOptions::new());
    let scrubbed = |event: Event<'static>| {
        let mut envelope = Envelope::from(event);
        scrubber.scrub(&mut envelope);
        serde_json::to_value(envelope.event().unwrap()).unwrap()
    };
    let ugly = [
        "https://ann:pw@example.com/feed",
        "https://ann@example.com/feed?token=a#sid=b",
        "ssh://git@host/?password=x@y",
    ];
    let random = (0..rounds(4_000) / 4).map(|seed| Dice(seed).text(PIECES));
    let urls = (0..rounds(4_000) / 4).map(|seed| format!("http://{}", Dice(seed).text(PIECES)));
    for text in ugly.map(str::to_owned).into_iter().chain(random).chain(urls) {
        let once = scrubbed(everywhere(&text));
        let again: Event<'static> = serde_json::from_value(once.clone()).unwrap();
        let twice = scrubbed(again);
        for field in ["message", "exception", "breadcrumbs", "request", "extra", "_meta"] {
            assert_eq!(twice[field], once[field], "{text:?}");
        }
    }
}
