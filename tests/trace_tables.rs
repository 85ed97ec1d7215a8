//! The tables of protocol.md 9, row by row, through the public API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sentry::options::PropagationTarget;
use sentry::protocol::{EnvelopeItem, Value};
use sentry::test::with_captured_envelopes_options;
use sentry::{
    ClientOptions, Envelope, Hub, TransactionContext, TransactionSource, merge_baggage, start_transaction,
};

const TRACE: &str = "09e04486820349518ac7b5d2adbf6ba5";
const SPAN: &str = "9cf635fa5b870b3a";
const WITH_ORG: &str = "https://public@o7.host.example/1";
const WITHOUT_ORG: &str = "https://public@host.example/1";

type Headers = BTreeMap<&'static str, String>;

/// What a service did with one request.
#[derive(Debug, Default)]
struct Served {
    /// What it would call others with.
    outgoing: Headers,
    /// The fields of its `baggage`.
    fields: BTreeMap<String, String>,
    trace_id: String,
    /// The `trace` header of the envelope of its transaction, if that was sent.
    sent: Option<Value>,
    /// That of an event captured meanwhile, and its trace context.
    event: (Value, Value),
}

impl Served {
    fn flag(&self) -> Option<&str> {
        self.outgoing["sentry-trace"].get(50..)
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

fn sentry_trace(flag: &str) -> String {
    format!("{TRACE}-{SPAN}{flag}")
}

/// A service with these options gets a request with these headers.
fn serve(options: ClientOptions, incoming: &[(&str, &str)]) -> Served {
    serve_as(options, incoming, |_| {})
}

fn serve_as(
    options: ClientOptions,
    incoming: &[(&str, &str)],
    setup: impl FnOnce(&mut TransactionContext),
) -> Served {
    let mut served = Served::default();
    let options = if options.dsn.is_some() { options } else { options.dsn(WITH_ORG) };
    let envelopes = with_captured_envelopes_options(
        || {
            let hub = Hub::current();
            hub.continue_trace(incoming.iter().copied());
            let mut context = TransactionContext::continue_from_headers(
                "GET /orders",
                "http.server",
                incoming.iter().copied(),
            );
            setup(&mut context);
            let transaction = start_transaction(context);
            hub.configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
            served.outgoing = hub.trace_headers().into_iter().collect();
            served.trace_id = transaction.get_trace_context().trace_id.to_string();
            sentry::capture_message("meanwhile", sentry::Level::Info);
            transaction.finish();
        },
        options,
    );
    served.fields = served.outgoing.get("baggage").map(|baggage| fields(baggage)).unwrap_or_default();
    for envelope in &envelopes {
        match envelope.items().next() {
            Some(EnvelopeItem::Transaction(_)) => served.sent = Some(trace_header(envelope)),
            Some(EnvelopeItem::Event(event)) => {
                let context = serde_json::to_value(&event.contexts["trace"]).unwrap();
                served.event = (trace_header(envelope), context);
            }
            _ => {}
        }
    }
    served
}

fn trace_header(envelope: &Envelope) -> Value {
    let mut bytes = Vec::new();
    envelope.to_writer(&mut bytes).unwrap();
    let header: Value = serde_json::from_slice(bytes.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    header["trace"].clone()
}

/// Our fields of a `baggage` header whose values need no decoding.
fn fields(baggage: &str) -> BTreeMap<String, String> {
    let ours = baggage.split(',').filter_map(|member| member.trim().strip_prefix("sentry-")?.split_once('='));
    ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn rate(rate: Option<f32>) -> ClientOptions {
    let options = ClientOptions::new();
    match rate {
        Some(rate) => options.traces_sample_rate(rate),
        None => options,
    }
}

/// 9.1: what is a `sentry-trace` header, and what goes out when it came.
#[test]
fn headers_9_1() {
    let table = [
        (sentry_trace(""), Some(None)),
        (sentry_trace("-0"), Some(Some("0"))),
        (sentry_trace("-1"), Some(Some("1"))),
        (sentry_trace("-1").to_uppercase(), Some(Some("1"))),
        // Never only the flag; no id is all zero; nothing else follows.
        ("-1".to_owned(), None),
        ("1".to_owned(), None),
        (format!("{}-{SPAN}-1", "0".repeat(32)), None),
        (format!("{TRACE}-{}-1", "0".repeat(16)), None),
        (sentry_trace("-2"), None),
        (sentry_trace("-1-1"), None),
        (TRACE.to_owned(), None),
    ];
    for (header, flag) in table {
        let served = serve(rate(None).propagate_traceparent(true), &[("Sentry-Trace", &header)]);
        assert_eq!(served.trace_id == TRACE, flag.is_some(), "{header}");
        assert_eq!(served.flag(), flag.flatten(), "{header}");
        let sentry_trace = &served.outgoing["sentry-trace"];
        let sampled = if served.flag() == Some("1") { "01" } else { "00" };
        assert_eq!(served.outgoing["traceparent"], format!("00-{}-{sampled}", &sentry_trace[..49]));
        let by_default = serve(rate(None), &[("sentry-trace", &header)]);
        assert!(!by_default.outgoing.contains_key("traceparent"));
    }
}

/// 9.1: outgoing headers only where a target matches.
#[test]
fn targets_9_1() {
    let url = "https://api.example.com/orders?id=1";
    let matching = || PropagationTarget::matching(|url| url.starts_with("https://api."));
    let table: [(Option<Vec<PropagationTarget>>, bool); 6] = [
        (None, true),
        (Some(vec![]), false),
        (Some(vec!["example.com".into()]), true),
        (Some(vec!["other.com".into(), matching()]), true),
        (Some(vec!["other.com".into()]), false),
        (Some(vec![PropagationTarget::matching(|url| url.starts_with("http://"))]), false),
    ];
    for (index, (targets, is_target)) in table.into_iter().enumerate() {
        let options = ClientOptions { trace_propagation_targets: targets, ..rate(None).dsn(WITH_ORG) };
        with_captured_envelopes_options(
            || {
                let hub = Hub::current();
                hub.continue_trace([("sentry-trace", &*sentry_trace("-1"))]);
                assert_eq!(!hub.trace_headers_for(url).is_empty(), is_target, "row {index}");
                // What comes in is continued whatever goes out.
                assert!(hub.trace_headers()[0].1.starts_with(TRACE), "row {index}");
            },
            options,
        );
    }
}

/// 9.2: with neither a rate nor a sampler.
#[test]
fn without_performance_9_2() {
    let head = serve(rate(None).release("shop@1").environment("test"), &[]);
    assert_eq!((head.flag(), head.sent.is_some()), (None, false));
    for absent in ["sampled", "sample_rate", "transaction"] {
        assert_eq!(head.field(absent), None, "{absent}");
    }
    for (name, value) in [("release", "shop%401"), ("environment", "test"), ("org_id", "7")] {
        assert_eq!(head.field(name), Some(value));
    }
    assert!(head.field("sample_rand").is_some(), "each trace has one");
    // On every event: the context, and the header of its envelope.
    assert_eq!(head.event.1["trace_id"], head.trace_id.as_str());
    assert_eq!(
        (&head.event.0["trace_id"], &head.event.0["public_key"]),
        (&head.event.1["trace_id"], &"public".into())
    );

    for flag in ["", "-0", "-1"] {
        let continued =
            serve(rate(None), &[("sentry-trace", &sentry_trace(flag)), ("baggage", "sentry-release=theirs")]);
        assert_eq!(continued.outgoing["sentry-trace"].len(), 49 + flag.len());
        assert!(continued.outgoing["sentry-trace"].ends_with(flag), "the decision is passed on");
        assert_eq!(continued.outgoing["baggage"], "sentry-release=theirs");
        assert_eq!(continued.event.1["trace_id"], TRACE);
        assert!(continued.sent.is_none());
    }
    // A rate of 0 is a decision.
    assert_eq!(serve(rate(Some(0.0)), &[]).flag(), Some("0"));
}

/// 9.3: continue, by the organizations of both sides.
#[test]
fn organizations_9_3() {
    // (baggage org, SDK org, continued, continued if strict)
    let table = [
        ("same, same", Some("7"), WITH_ORG, true, true),
        ("present, absent", Some("7"), WITHOUT_ORG, true, false),
        ("absent, present", None, WITH_ORG, true, false),
        ("absent, absent", None, WITHOUT_ORG, true, true),
        ("differ, differ", Some("8"), WITH_ORG, false, false),
    ];
    let trace = sentry_trace("-1");
    for (row, theirs, dsn, lenient, strict) in table {
        let baggage = theirs.map_or_else(
            || "sentry-release=theirs".to_owned(),
            |org| format!("sentry-org_id={org},sentry-release=theirs"),
        );
        for (is_strict, continued) in [(false, lenient), (true, strict)] {
            let options = rate(Some(0.0)).dsn(dsn).strict_trace_continuation(is_strict);
            let served = serve(options, &[("sentry-trace", &trace), ("baggage", &baggage)]);
            assert_eq!(served.trace_id == TRACE, continued, "{row}, strict: {is_strict}");
            // Not continuing is to ignore trace, decision and baggage.
            assert_eq!(served.flag(), Some(if continued { "1" } else { "0" }), "{row}, strict: {is_strict}");
            assert_eq!(served.field("release") == Some("theirs"), continued, "{row}, strict: {is_strict}");
            assert_eq!(served.sent.is_some(), continued, "{row}, strict: {is_strict}");
        }
    }
    // The option wins over the host of the DSN.
    let options = rate(None).org_id(8.into()).strict_trace_continuation(true);
    let served = serve(options, &[("sentry-trace", &trace), ("baggage", "sentry-org_id=8")]);
    assert_eq!(served.trace_id, TRACE);
    assert_eq!(serve(rate(None).org_id(8.into()), &[]).field("org_id"), Some("8"));
}

/// 9.4: where the random number of a trace comes from.
#[test]
fn random_numbers_9_4() {
    // (flag, baggage, rate, recorded): the number decides, and it came or fits what is known.
    let table = [
        // It came.
        ("", "sentry-sample_rand=0.300000", 0.31, true),
        ("", "sentry-sample_rand=0.300000", 0.3, false),
        ("", "sentry-sample_rand=0.999999", 1.0, true),
        ("", "sentry-sample_rand=0.000000", 0.0, false),
        ("", "sentry-sample_rand=0.3000009", 0.300_001, true),
        // It is missing, and rate and flag are known: the parent's decision stands, whatever the rate here.
        ("-1", "sentry-sample_rate=0.01", 0.0, true),
        ("-0", "sentry-sample_rate=0.99", 1.0, false),
        // It is no number.
        ("-1", "sentry-sample_rate=0.5,sentry-sample_rand=1.5", 0.0, true),
    ];
    for (flag, baggage, here, recorded) in table {
        let incoming = [("sentry-trace", &*sentry_trace(flag)), ("baggage", baggage)];
        let served = serve(rate(Some(here)), &incoming);
        assert_eq!(served.sent.is_some(), recorded, "{flag} {baggage} {here}");
        assert_eq!(
            served.outgoing["baggage"],
            baggage_sorted(baggage),
            "the number of others is not touched"
        );
    }
    // A sampler that says what the parent said comes to the same decision, with a number made for it.
    for flag in ["-0", "-1"] {
        for theirs in [0.01_f32, 0.5, 0.99] {
            let baggage = format!("sentry-sample_rate={theirs}");
            let options =
                ClientOptions::new().traces_sampler(|context| context.parent_sample_rate().unwrap());
            let served = serve(options, &[("sentry-trace", &sentry_trace(flag)), ("baggage", &baggage)]);
            assert_eq!(served.sent.is_some(), flag == "-1", "{flag} {theirs}");
        }
    }
    // Ours: six decimals in [0, 1).
    for _ in 0..200 {
        let head = serve(rate(None), &[]);
        let text = head.field("sample_rand").unwrap();
        assert!(text.len() == 8 && text.starts_with("0."), "{text}");
    }
}

fn baggage_sorted(baggage: &str) -> String {
    let mut members: Vec<_> = baggage.split(',').collect();
    members.sort_unstable();
    members.join(",")
}

/// 9.5: the incoming flag and the rate. In each row the trace goes on where the target matches.
#[test]
fn matrix_9_5() {
    // (incoming flag, rate, sent, outgoing flag)
    let none = None;
    let deferred = Some("");
    let table = [
        ("none/null", none, None, false, None),
        ("none/0", none, Some(0.0), false, Some("0")),
        ("none/1", none, Some(1.0), true, Some("1")),
        ("deferred/null", deferred, None, false, None),
        ("deferred/0", deferred, Some(0.0), false, Some("0")),
        ("deferred/1", deferred, Some(1.0), true, Some("1")),
        ("1/null", Some("-1"), None, false, Some("1")),
        ("1/0", Some("-1"), Some(0.0), true, Some("1")),
        ("1/1", Some("-1"), Some(1.0), true, Some("1")),
        ("0/null", Some("-0"), None, false, Some("0")),
        ("0/0", Some("-0"), Some(0.0), false, Some("0")),
        ("0/1", Some("-0"), Some(1.0), false, Some("0")),
    ];
    for (row, incoming, here, sent, outgoing) in table {
        let header = incoming.map(sentry_trace);
        let headers: Vec<_> = header.iter().map(|header| ("sentry-trace", &**header)).collect();
        let served = serve(rate(here), &headers);
        assert_eq!((served.sent.is_some(), served.flag()), (sent, outgoing), "{row}");
        assert_eq!(served.trace_id == TRACE, incoming.is_some(), "{row}");
        assert!(served.outgoing["sentry-trace"].starts_with(&served.trace_id), "{row}");
        assert_eq!(served.event.1["trace_id"], served.trace_id.as_str(), "{row}");
    }
}

/// 9.5: who decides.
#[test]
fn precedence_9_5() {
    type Sampler = Option<f32>;
    type Row = (&'static str, Option<bool>, Sampler, Option<bool>, f32, bool, Option<&'static str>);
    // (explicit, sampler, parent, rate) -> sent, rate told
    let table: [Row; 10] = [
        ("1 explicit over all: yes", Some(true), Some(0.0), Some(false), 0.0, true, Some("0.25")),
        ("1 explicit over all: no", Some(false), Some(1.0), Some(true), 1.0, false, Some("0.25")),
        ("1 explicit, head", Some(true), Some(0.0), None, 0.0, true, Some("1")),
        ("2 sampler over parent: yes", None, Some(1.0), Some(false), 0.0, true, Some("1")),
        ("2 sampler over parent: no", None, Some(0.0), Some(true), 1.0, false, Some("0")),
        ("2 sampler, head", None, Some(1.0), None, 0.0, true, Some("1")),
        ("3 parent over rate: yes", None, None, Some(true), 0.0, true, Some("0.25")),
        ("3 parent over rate: no", None, None, Some(false), 1.0, false, Some("0.25")),
        ("4 rate: yes", None, None, None, 1.0, true, Some("1")),
        ("4 rate: no", None, None, None, 0.0, false, Some("0")),
    ];
    for (row, explicit, sampler, parent, here, sent, told) in table {
        let options = ClientOptions::new().traces_sample_rate(here);
        let options = match sampler {
            Some(rate) => options.traces_sampler(move |_| rate),
            None => options,
        };
        let header = parent.map(|sampled| sentry_trace(if sampled { "-1" } else { "-0" }));
        let baggage = parent.map(|sampled| format!("sentry-sample_rate=0.25,sentry-sampled={sampled}"));
        let headers: Vec<_> = header
            .iter()
            .map(|header| ("sentry-trace", &**header))
            .chain(baggage.iter().map(|baggage| ("baggage", &**baggage)))
            .collect();
        let served = serve_as(options, &headers, |context| {
            if let Some(explicit) = explicit {
                context.set_sampled(explicit);
            }
        });
        assert_eq!(served.sent.is_some(), sent, "{row}");
        assert_eq!(served.flag(), Some(if sent { "1" } else { "0" }), "{row}");
        assert_eq!(served.field("sample_rate"), told, "{row}");
    }
    // What is no rate drops.
    for wrong in [f32::NAN, f32::INFINITY, -0.1, 1.1] {
        let served = serve(ClientOptions::new().traces_sampler(move |_| wrong), &[]);
        assert_eq!((served.sent.is_some(), served.flag()), (false, Some("0")), "{wrong}");
    }
    // The rate of errors is for errors.
    assert!(serve(ClientOptions::new().sample_rate(0.0).traces_sample_rate(1.0), &[]).sent.is_some());
}

/// 9.5 and 20: what a sampler sees.
#[test]
fn a_sampler_sees_everything() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let options = ClientOptions::new().traces_sampler(move |context| {
        keep.lock().unwrap().push((
            context.name().to_owned(),
            context.operation().to_owned(),
            context.data().get("http.request.method").cloned(),
            context.parent_sampled(),
            context.parent_sample_rate(),
            context.source(),
        ));
        1.0
    });
    let headers = [("sentry-trace", &*sentry_trace("-0")), ("baggage", "sentry-sample_rate=0.25")];
    serve_as(options.clone(), &headers, |context| {
        context.set_data("http.request.method", "GET".into());
        context.set_source(TransactionSource::Route);
    });
    serve(options, &[]);
    let (name, op) = ("GET /orders".to_owned(), "http.server".to_owned());
    let expected = [
        (name.clone(), op.clone(), Some("GET".into()), Some(false), Some(0.25), TransactionSource::Route),
        (name, op, None, None, None, TransactionSource::Custom),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

/// 9.5 and 19: back-pressure divides the rate of heads, and of nobody else.
#[test]
fn back_pressure_19() {
    for looks in 0..13_u32 {
        let factor = looks.min(10);
        let told = (1.0 / f64::from(1 << factor)).to_string();
        let under_pressure = |options: ClientOptions| {
            for _ in 0..looks {
                options.client_report_recorder.set_unhealthy(true);
            }
            options
        };
        assert_eq!(serve(under_pressure(rate(Some(1.0))), &[]).field("sample_rate"), Some(&*told));
        let sampler = ClientOptions::new().traces_sampler(|_| 1.0);
        assert_eq!(serve(under_pressure(sampler), &[]).field("sample_rate"), Some(&*told));
        let continued = serve(under_pressure(rate(Some(1.0))), &[("sentry-trace", &sentry_trace("-1"))]);
        assert!(continued.sent.is_some(), "the parent has decided");
        let off = under_pressure(rate(Some(1.0)).enable_backpressure_handling(false));
        assert_eq!(serve(off, &[]).field("sample_rate"), Some("1"));
        let healthy = under_pressure(rate(Some(1.0)));
        healthy.client_report_recorder.set_unhealthy(false);
        assert_eq!(serve(healthy, &[]).field("sample_rate"), Some("1"));
    }
}

/// 9.6: the fields of a head, in the header and on the envelope.
#[test]
fn fields_9_6() {
    let options = || rate(Some(1.0)).release("shop@1").environment("test");
    let served = serve(options(), &[]);
    let names: Vec<_> = served.fields.keys().map(String::as_str).collect();
    let all = [
        "environment",
        "org_id",
        "public_key",
        "release",
        "sample_rand",
        "sample_rate",
        "sampled",
        "trace_id",
        "transaction",
    ];
    assert_eq!(names, all);
    let sent = served.sent.unwrap();
    assert_eq!(sent.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), all);
    assert!(sent.as_object().unwrap().values().all(Value::is_string));
    assert_eq!((&sent["transaction"], &sent["sampled"]), (&"GET /orders".into(), &"true".into()));
    assert_eq!(sent, served.event.0, "on the envelopes of errors as well");
    // A URL is no name for others.
    let url = serve_as(options(), &[], |context| context.set_source(TransactionSource::Url));
    assert_eq!(url.field("transaction"), None);
    assert_eq!(url.sent.unwrap()["transaction"], Value::Null);
}

/// 9.6: when the context is frozen.
#[test]
fn freezing_9_6() {
    let ours = || rate(Some(1.0)).release("ours@1").environment("ours");
    let trace = sentry_trace("-1");
    // (incoming baggage, outgoing): as it came, with names nobody knows, without those of others, and never invented.
    let table = [
        (None, None),
        (Some("vendor=1"), None),
        (Some("sentry-release=theirs"), Some("sentry-release=theirs")),
        (Some("sentry-new=1,vendor=1;p=2,sentry-environment=e"), Some("sentry-environment=e,sentry-new=1")),
        (Some("sentry-transaction=%2Fa%20b"), Some("sentry-transaction=%2Fa%20b")),
    ];
    for (came, goes) in table {
        let mut headers = vec![("sentry-trace", &*trace)];
        headers.extend(came.map(|baggage| ("baggage", baggage)));
        let served = serve(ours(), &headers);
        assert_eq!(served.outgoing.get("baggage").map(String::as_str), goes, "{came:?}");
        let sent = served.sent.unwrap();
        assert_eq!(sent.is_null(), goes.is_none(), "{came:?}");
        assert_eq!(sent, served.event.0, "{came:?}");
    }
    // A head: the first time it leaves.
    with_captured_envelopes_options(
        || {
            let transaction = start_transaction(TransactionContext::new("before", "op"));
            transaction.set_name("renamed in time");
            let baggage = |headers: sentry::TraceHeadersIter| headers.last().unwrap().1;
            let first = baggage(transaction.iter_headers());
            transaction.set_name("too late");
            assert!(first.contains("sentry-transaction=renamed%20in%20time"), "{first}");
            assert_eq!(baggage(transaction.start_child("op", "").iter_headers()), first);
        },
        ours().dsn(WITH_ORG),
    );
}

/// 9.6: what may be in one header.
#[test]
fn limits_9_6() {
    // 64 members of 128 bytes, commas included: 8 KiB less one.
    let member = |number: usize| {
        let name = format!("sentry-k{number:02}=");
        format!("{name}{}", "v".repeat(127 - name.len()))
    };
    let full = (0..64).map(member).collect::<Vec<_>>().join(",");
    assert_eq!((full.len(), full.split(',').count()), (8_191, 64));
    let trace = sentry_trace("-1");
    let through = |baggage: &str| {
        let served = serve(rate(None), &[("sentry-trace", &*trace), ("baggage", baggage)]);
        served.outgoing.get("baggage").cloned().unwrap_or_default()
    };
    assert_eq!(through(&full), full, "it goes round");
    // Twice round: what this service sends is what the next one gets.
    assert_eq!(through(&through(&full)), full);
    // Spread over several headers it is the same.
    let (first, second) = full.split_at(full.match_indices(',').nth(31).unwrap().0);
    let served =
        serve(rate(None), &[("baggage", first), ("sentry-trace", &*trace), ("baggage", &second[1..])]);
    assert_eq!(served.outgoing["baggage"], full);
    // One of 8 KiB.
    let long = format!("sentry-k={}", "v".repeat(8_192 - "sentry-k=".len()));
    assert_eq!(through(&long), long);
    // Whole members are dropped, none is cut.
    let more = format!("{full},sentry-k64=v");
    assert!(through(&more).split(',').count() <= 64 && through(&more).len() <= 8_192);
    let longer = format!("{long}v,sentry-z=1");
    let kept = through(&longer);
    assert!(kept.is_empty() || kept == "sentry-z=1", "{}", kept.len());
    // Encoded, it takes three times as much.
    let umlauts = format!("sentry-a=1,sentry-b={},sentry-c=2", "%C3%BC".repeat(1_300));
    assert_eq!(through(&umlauts), umlauts);
    // What the application has put on the request stays; ours is not there twice.
    assert_eq!(merge_baggage("vendor=1;p=2, sentry-a=old", "sentry-a=1"), "vendor=1;p=2,sentry-a=1");
    let crowded = (0..70).map(|number| format!("v{number}=1")).collect::<Vec<_>>().join(",");
    let merged = merge_baggage(&crowded, &full);
    assert!(merged.split(',').count() <= 64 && merged.len() <= 8_192);
    assert!(merged.split(',').all(|member| crowded.contains(member) || full.contains(member)), "none is cut");
}

/// 9.4: `sample_rand < rate` if and only if it is sampled, along chains of services that each do as they please.
#[test]
fn a_chain_of_services_agrees() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut kept, mut dropped, mut undecided) = (0, 0, 0);
    for chain in 0..600 {
        let mut headers: Vec<(&str, String)> = random.outside();
        let mut rand: Option<String> = None;
        let mut trace_id: Option<String> = headers.first().map(|(_, trace)| trace[..32].to_owned());
        for hop in 0..random.below(6) + 1 {
            let whose = format!("chain {chain}, hop {hop}, headers {headers:?}");
            let before = headers.first().and_then(|(_, trace)| trace.get(50..)).map(str::to_owned);
            let (options, here) = random.service();
            let borrowed: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let served = serve(options, &borrowed);
            // One trace, one number.
            assert_eq!(*trace_id.get_or_insert_with(|| served.trace_id.clone()), served.trace_id, "{whose}");
            if let Some(number) = served.field("sample_rand").filter(|number| number.parse::<f64>().is_ok()) {
                assert_eq!(*rand.get_or_insert_with(|| number.to_owned()), number, "{whose}");
            }
            let flag = served.flag().map(|flag| flag == "1");
            assert_eq!(served.sent.is_some(), flag == Some(true) && here != Here::Nothing, "{whose}");
            // What is told agrees with itself …
            let number = |name: &str| served.field(name).and_then(|text| text.parse::<f64>().ok());
            if let (Some(rand), Some(rate), Some(sampled)) =
                (number("sample_rand"), number("sample_rate"), served.field("sampled"))
            {
                assert_eq!(rand < rate, sampled == "true", "{whose}: {:?}", served.outgoing);
                assert_eq!(flag, Some(sampled == "true"), "{whose}: {:?}", served.outgoing);
            }
            // … and with what this service was to do.
            match (here, before) {
                (Here::Nothing, before) => assert_eq!(served.flag(), before.as_deref(), "{whose}"),
                (Here::Rate(_), Some(before)) => assert_eq!(served.flag(), Some(&*before), "{whose}"),
                (Here::Rate(rate), None) | (Here::Sampler(rate), _) => {
                    let number = number("sample_rand").or_else(|| rand.as_ref()?.parse().ok());
                    if let Some(number) = number {
                        let rate: f64 = rate.to_string().parse().unwrap();
                        assert_eq!(flag, Some(number < rate), "{whose}: {number} {rate}");
                    }
                }
            }
            match flag {
                Some(true) => kept += 1,
                Some(false) => dropped += 1,
                None => undecided += 1,
            }
            headers = served.outgoing.into_iter().rev().collect();
        }
    }
    // It would prove nothing if one of them hardly ever happened.
    assert!(kept > 200 && dropped > 200 && undecided > 50, "{kept} {dropped} {undecided}");
}

/// What a service of a chain does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Here {
    Nothing,
    Rate(f32),
    Sampler(f32),
}

/// xorshift64*, so that a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 33) % bound
    }

    fn rate(&mut self) -> f32 {
        match self.below(6) {
            0 => 0.0,
            1 => 1.0,
            2 => [0.1, 0.25, 0.3, 0.000_001, 0.999_999][self.below(5) as usize],
            _ => self.below(1_000_001) as f32 / 1_000_000.0,
        }
    }

    fn service(&mut self) -> (ClientOptions, Here) {
        let rate = self.rate();
        match self.below(4) {
            0 => (ClientOptions::new(), Here::Nothing),
            1 => (ClientOptions::new().traces_sampler(move |_| rate), Here::Sampler(rate)),
            _ => (ClientOptions::new().traces_sample_rate(rate), Here::Rate(rate)),
        }
    }

    /// What the first service gets: nothing, or headers of another SDK that keep to the rules.
    fn outside(&mut self) -> Vec<(&'static str, String)> {
        let trace = format!("{:016x}{:016x}-{:016x}", self.next() | 1, self.next(), self.next() | 1);
        let (rand, rate) = (self.below(1_000_000), self.rate());
        let sampled = rand < (f64::from(rate) * 1e6).round() as u64;
        let flag = if sampled { "-1" } else { "-0" };
        let number = format!("sentry-sample_rand=0.{rand:06}");
        let decision = format!("sentry-sample_rate={rate},sentry-sampled={sampled}");
        match self.below(5) {
            0 => vec![("sentry-trace", trace), ("baggage", number)],
            1 => vec![("sentry-trace", trace + flag), ("baggage", format!("{number},{decision}"))],
            2 => vec![("sentry-trace", trace + flag), ("baggage", decision)],
            _ => Vec::new(),
        }
    }
}
