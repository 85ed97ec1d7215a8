//! What is far too large: the caller does not wait for it, the server takes it, and the core of it arrives.
//!
//! What arrives is kept as files for Relay's normalizer to judge (`.ci/relay/check.py`).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ingest::Server;
use sentry::protocol::{
    Attachment, Event, Exception, Frame, Map, Span, Stacktrace, Transaction, TransactionInfo, Value, value,
};
use sentry::{Breadcrumb, Client, ClientOptions, Hub, Level, clock};

const PATIENCE: Duration = Duration::from_secs(120);

/// What a capture may take, whatever it is given. A debug build is slow, and others run beside it.
const CALLER: Duration = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 5 });

const MIB: usize = 1024 * 1024;

/// A client of a server that listens, and what it received in the end.
struct Setup {
    server: Server,
    client: Arc<Client>,
    hub: Arc<Hub>,
}

impl Setup {
    fn new(options: ClientOptions) -> Self {
        let server = Server::start();
        let options = options.dsn(&server.dsn()).release("limits@1.0.0").environment("test");
        let client = Arc::new(Client::from(sentry::apply_defaults(options)));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Self { server, client, hub }
    }

    /// Runs `capture`, which must not take long, and returns the one event it leads to.
    fn event(self, name: &str, capture: impl FnOnce()) -> Value {
        self.run(name, capture);
        self.received(name, Server::events)
    }

    fn run(&self, name: &str, capture: impl FnOnce()) {
        let (start, before) = (clock::instant(), cpu_time());
        Hub::run(Arc::clone(&self.hub), capture);
        let took = match (before, cpu_time()) {
            (Some(before), Some(after)) => after.saturating_sub(before),
            _ => start.elapsed(),
        };
        println!("limits: {name}: {:.3} ms for the caller", took.as_secs_f64() * 1e3);
        assert!(took < CALLER, "{name}: {took:?}");
    }

    fn received(self, name: &str, of: impl Fn(&Server) -> Vec<Value>) -> Value {
        assert!(self.client.close(Some(PATIENCE)), "{name}: not everything was sent");
        self.server.assert_clean();
        let payload = of(&self.server).pop().unwrap_or_else(|| panic!("{name} did not arrive"));
        let text = payload.to_string();
        println!("limits: {name}: {} KiB arrive", text.len() / 1024);
        assert!(text.len() <= MIB, "{name}: {} bytes", text.len());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("limits");
        std::fs::create_dir_all(&directory).expect("the target directory is writable");
        std::fs::write(directory.join(format!("{name}.json")), text).expect("a file can be written");
        payload
    }
}

/// What this thread has used of a processor, where that can be known: the worker and other tests run beside it.
fn cpu_time() -> Option<Duration> {
    // Brings the figure up to date.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// What has to arrive whatever else there is.
fn core() -> Event<'static> {
    let frame = |n: u64| Frame {
        function: Some(format!("step_{n}")),
        filename: Some("src/shop.rs".into()),
        lineno: Some(n + 1),
        ..Frame::default()
    };
    let stacktrace = Stacktrace { frames: (0..30).map(frame).collect(), ..Stacktrace::default() };
    Event {
        exception: vec![Exception {
            ty: "ShopError".into(),
            value: Some("out of stock".into()),
            stacktrace: Some(stacktrace),
            ..Exception::default()
        }]
        .into(),
        tags: [("a.region".to_owned(), "eu".to_owned()), ("a.plan".to_owned(), "free".to_owned())].into(),
        ..Event::default()
    }
}

fn assert_core(payload: &Value) {
    let exceptions = payload["exception"]["values"].as_array().expect("exceptions");
    let outermost = exceptions.last().expect("an exception");
    assert_eq!((&outermost["type"], &outermost["value"]), (&"ShopError".into(), &"out of stock".into()));
    let frames = outermost["stacktrace"]["frames"].as_array().expect("frames");
    assert_eq!(
        (frames.len(), &frames[0]["function"], &frames[29]["lineno"]),
        (30, &"step_0".into(), &30.into())
    );
    assert_eq!((&payload["tags"]["a.region"], &payload["tags"]["a.plan"]), (&"eu".into(), &"free".into()));
}

/// About a hundred megabytes of values in values.
fn nested_extras() -> Map<String, Value> {
    let leaf = |n: usize| Value::from(format!("{n} {}", "x".repeat(90)));
    let list = |n: usize| Value::Array((0..100).map(|i| leaf(n + i)).collect());
    let object = |n: usize| {
        Value::Object((0..10).map(|i| (format!("field {i}"), list(n + i))).collect::<value::Map<_, _>>())
    };
    (0..1_000).map(|n| (format!("extra {n:04}"), object(n))).collect()
}

fn deep(levels: u32) -> Value {
    (0..levels).fold(Value::from("bottom"), |value, level| match level % 2 {
        0 => Value::Array(vec![value]),
        _ => Value::Object([("deeper".to_owned(), value)].into_iter().collect()),
    })
}

#[test]
fn a_hundred_megabytes_of_nested_extras() {
    let event = Event { extra: nested_extras(), ..core() };
    let payload = Setup::new(ClientOptions::new()).event("nested extras", || {
        sentry::capture_event(event);
    });
    assert_core(&payload);
    assert!(
        payload["extra"]["extra 0000"]["field 0"][0].as_str().is_some_and(|text| text.starts_with("0 xxx"))
    );
    assert_eq!(payload["_meta"]["extra"][""]["len"], 1_000);
}

#[test]
fn a_message_of_a_hundred_megabytes() {
    let message = "too long ".repeat(100 * MIB / 9);
    let length = message.chars().count();
    let payload = Setup::new(ClientOptions::new()).event("long message", || {
        sentry::capture_message(&message, Level::Error);
    });
    assert_eq!(payload["message"].as_str().map(str::len), Some(8_192));
    assert_eq!(payload["_meta"]["message"][""]["len"], length);

    let event = Event { message: Some(message), ..core() };
    let payload = Setup::new(ClientOptions::new()).event("long message of an event", || {
        sentry::capture_event(event);
    });
    assert_core(&payload);
    assert_eq!(payload["_meta"]["message"][""]["len"], length);
}

#[test]
fn a_hundred_thousand_breadcrumbs() {
    // A gigabyte, in a release build.
    let bytes = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
    let crumb = |n: usize| Breadcrumb {
        message: Some(format!("{n} {}", "b".repeat(bytes))),
        data: [("order".to_owned(), Value::from(n))].into(),
        ..Breadcrumb::default()
    };
    let event = Event { breadcrumbs: (0..100_000).map(crumb).collect(), ..core() };
    let payload = Setup::new(ClientOptions::new()).event("breadcrumbs", || {
        sentry::capture_event(event);
    });
    assert_core(&payload);
    let crumbs = payload["breadcrumbs"]["values"].as_array().expect("breadcrumbs");
    assert!(crumbs.len() >= 80, "{}", crumbs.len());
    assert_eq!(crumbs.last().and_then(|crumb| crumb["data"]["order"].as_u64()), Some(99_999));
}

#[test]
fn a_million_tags() {
    let mut event = core();
    event.tags.extend((0..1_000_000).map(|n| (format!("tag{n:07}"), format!("value {n}"))));
    let payload = Setup::new(ClientOptions::new()).event("tags", || {
        sentry::capture_event(event);
    });
    assert_core(&payload);
    assert_eq!(payload["_meta"]["tags"][""]["len"], 1_000_002);
}

#[test]
fn a_depth_bomb() {
    let event = Event { extra: [("bomb".to_owned(), deep(1_000_000))].into(), ..core() };
    let payload = Setup::new(ClientOptions::new()).event("depth", || {
        sentry::capture_event(event);
    });
    assert_core(&payload);
    let text = payload["extra"].pointer("/bomb/deeper/0/deeper/0/deeper").and_then(Value::as_str);
    assert!(text.is_some_and(|text| text.contains("deeper")), "{}", payload["extra"]);
}

#[test]
fn ten_thousand_frames() {
    let mut event = core();
    let frame = |n: usize| Frame {
        function: Some(format!("recurse_{n}")),
        context_line: Some("let x = recurse(x);".into()),
        vars: [("n".to_owned(), Value::from(n))].into(),
        ..Frame::default()
    };
    event.exception.values.insert(
        0,
        Exception {
            ty: "StackOverflow".into(),
            stacktrace: Some(Stacktrace {
                frames: (0..10_000).map(frame).collect(),
                ..Stacktrace::default()
            }),
            ..Exception::default()
        },
    );
    let payload = Setup::new(ClientOptions::new()).event("frames", || {
        sentry::capture_event(event);
    });
    assert_core(&payload);
    let frames = payload.pointer("/exception/values/0/stacktrace/frames").and_then(Value::as_array);
    let frames = frames.expect("frames");
    assert_eq!((frames.len(), &frames[0]["function"]), (250, &"recurse_0".into()));
    assert_eq!(frames[249]["function"], "recurse_9999");
    let length = payload["_meta"].pointer("/exception/values/0/stacktrace/frames//len");
    assert_eq!(length, Some(&10_000.into()));
}

#[test]
fn a_huge_chain_of_exceptions() {
    let mut event = core();
    let cause = |n: usize| Exception {
        ty: format!("Cause{n}"),
        value: Some("because ".repeat(5_000)),
        ..Exception::default()
    };
    let mut chain: Vec<_> = (0..1_000).map(cause).collect();
    chain.append(&mut event.exception.values);
    event.exception = chain.into();
    let payload = Setup::new(ClientOptions::new()).event("exceptions", || {
        sentry::capture_event(event);
    });
    assert_core(&payload);
    let exceptions = payload["exception"]["values"].as_array().expect("exceptions");
    assert_eq!((exceptions.len(), &exceptions[0]["type"]), (50, &"Cause0".into()));
    assert_eq!(payload["_meta"]["exception"]["values"][""]["len"], 1_001);
}

#[test]
fn fifty_thousand_spans() {
    let setup = Setup::new(ClientOptions::new());
    let (trace_id, start) = (sentry::protocol::TraceId::default(), clock::now());
    let span = |n: usize| Span {
        trace_id,
        op: Some("function".into()),
        description: Some(format!("step {n}")),
        start_timestamp: start,
        timestamp: Some(clock::now()),
        data: [("rows".to_owned(), Value::from(n))].into(),
        ..Span::default()
    };
    let context = sentry::protocol::TraceContext { trace_id, ..Default::default() };
    let transaction = Transaction {
        name: Some("GET /orders".into()),
        transaction_info: Some(TransactionInfo { source: Some("route".into()) }),
        start_timestamp: start,
        timestamp: Some(clock::now()),
        contexts: [("trace".to_owned(), context.into())].into(),
        spans: (0..50_000).map(span).collect(),
        ..Transaction::default()
    };
    let client = Arc::clone(&setup.client);
    setup.run("spans", || client.send_envelope(transaction.into()));
    let payload = setup.received("spans", Server::transactions);
    let spans = payload["spans"].as_array().expect("spans");
    assert_eq!((spans.len(), &spans[999]["description"]), (1_000, &"step 999".into()));
    assert_eq!(payload["_meta"]["spans"][""]["len"], 50_000);
    let lost = client.stats().losses;
    assert!(format!("{lost:?}").contains("49000"), "{lost:?}");
}

#[test]
fn a_burst_of_giants_is_sent_whole() {
    let setup = Setup::new(ClientOptions::new());
    let event = |n: u32| Event { message: Some(format!("{n} {}", "x ".repeat(5 * MIB))), ..core() };
    for n in 0..20 {
        let event = event(n);
        setup.run("one of a burst", || {
            sentry::capture_event(event);
        });
    }
    assert!(setup.client.close(Some(PATIENCE)));
    assert_eq!(setup.server.events().len(), 20, "nothing pushed anything out of the queue");
}

#[test]
fn an_attachment_that_is_too_large() {
    let setup = Setup::new(ClientOptions::new().max_attachment_size(1_000));
    Hub::run(Arc::clone(&setup.hub), || {
        sentry::configure_scope(|scope| {
            for bytes in [1_001, 1_000] {
                scope.add_attachment(Attachment { buffer: vec![7; bytes], ..Attachment::default() });
            }
        });
    });
    let client = Arc::clone(&setup.client);
    let payload = setup.event("attachments", || {
        sentry::capture_event(core());
    });
    assert_core(&payload);
    let lost = client.stats().losses;
    assert!(format!("{lost:?}").contains("1001"), "{lost:?}");
}
