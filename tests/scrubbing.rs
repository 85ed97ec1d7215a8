//! What leaves the process: one of every kind of item, secrets in every field, over a real connection.
//!
//! Kept as files as well, for `.ci/relay/scrub.py` to show beside what Relay's own scrubber makes of them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use ingest::Server;
use sentry::protocol::{
    Attachment, Context, Envelope, EnvelopeItem, Event, Exception, FeedbackContext, Frame, Log, LogAttribute,
    LogEntry, LogLevel, Map, MonitorCheckIn, MonitorCheckInStatus, Request, ResponseContext, Stacktrace,
    Thread, ThreadId, Uuid, Value,
};
use sentry::{Breadcrumb, Client, ClientOptions, Hub, Level, TransactionContext, User};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);

/// Part of every secret; nothing with it may arrive.
const SECRET: &str = "hunter2xyz";
/// Beside every secret, and looking like one; all of it has to arrive.
const INNOCENT: &str = "order 4111111111111112, 550e8400-e29b-41d4-a716-446655440000, v1.2.3, author=Ann";

fn dirty() -> String {
    format!("{INNOCENT} password={SECRET} card 4242 4242 4242 4242")
}

fn values() -> Map<String, Value> {
    let deep = json!({"list": [{"apiKey": SECRET, "author": INNOCENT}, dirty()]});
    [
        ("note".to_owned(), Value::from(dirty())),
        ("deep".to_owned(), deep),
        ("access_token".to_owned(), Value::from(SECRET)),
    ]
    .into()
}

fn texts() -> Map<String, String> {
    [
        ("Authorization".to_owned(), format!("Bearer {SECRET}1")),
        ("Cookie".to_owned(), format!("sid={SECRET}")),
        ("X-Note".to_owned(), dirty()),
    ]
    .into()
}

fn stacktrace() -> Stacktrace {
    let frame = Frame {
        function: Some("pay".into()),
        vars: values(),
        pre_context: vec![dirty()],
        context_line: Some(dirty()),
        post_context: vec![dirty()],
        ..Frame::default()
    };
    Stacktrace { frames: vec![frame], ..Stacktrace::default() }
}

fn request() -> Request {
    Request {
        url: format!("https://jo:{SECRET}@shop.example/pay?token={SECRET}&page=2").parse().ok(),
        query_string: Some(format!("token={SECRET}&page=2")),
        cookies: Some(format!("sid={SECRET}; theme=dark")),
        headers: texts(),
        env: [("HTTP_X_AUTH_TOKEN".to_owned(), SECRET.to_owned())].into(),
        data: Some(json!({"password": SECRET, "author": INNOCENT}).to_string()),
        ..Request::default()
    }
}

fn event() -> Event<'static> {
    let exception =
        Exception { value: Some(dirty()), stacktrace: Some(stacktrace()), ..Exception::default() };
    let thread = Thread {
        id: Some(ThreadId::Int(1)),
        name: Some(dirty()),
        stacktrace: Some(stacktrace()),
        ..Thread::default()
    };
    let response = ResponseContext {
        cookies: Some(format!("sid={SECRET}")),
        headers: texts(),
        data: Some(json!({"secret": SECRET, "note": dirty()})),
        ..Default::default()
    };
    Event {
        logentry: Some(LogEntry { message: dirty(), params: vec![dirty().into()], formatted: Some(dirty()) }),
        message: Some(dirty()),
        transaction: Some(dirty()),
        culprit: Some(dirty()),
        fingerprint: vec!["{{ default }}".into(), dirty().into()].into(),
        exception: vec![exception].into(),
        threads: vec![thread].into(),
        request: Some(request()),
        contexts: [("mine".to_owned(), Context::Other(values())), ("response".to_owned(), response.into())]
            .into(),
        extra: values(),
        ..Event::default()
    }
}

fn on_the_scope() {
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User {
            id: Some(format!("42 token={SECRET}")),
            username: Some(dirty()),
            other: values(),
            ..User::default()
        }));
        scope.set_tag("note", dirty());
        scope.set_tag("api_key", SECRET);
        scope.set_extra("scoped", dirty().into());
        scope.set_context("scoped", Context::Other(values()));
        let filename = format!("password={SECRET}.txt");
        scope.add_attachment(Attachment { buffer: b"x".to_vec(), filename, ..Default::default() });
    });
    sentry::add_breadcrumb(Breadcrumb {
        ty: "http".into(),
        message: Some(dirty()),
        data: values(),
        ..Breadcrumb::default()
    });
}

/// Everything but errors.
fn capture_the_rest(client: &Client) {
    let hub = Hub::current();
    let transaction = sentry::start_transaction(TransactionContext::new(
        &format!("GET /pay?token={SECRET}"),
        &format!("http.server password={SECRET}"),
    ));
    transaction.set_request(request());
    transaction.set_data("note", dirty().into());
    transaction.set_tag("api_key", SECRET);
    let span = transaction.start_child("db.query", &format!("SELECT '{SECRET}', \"author\" FROM t"));
    span.set_data("client_secret", SECRET.into());
    span.set_data("note", dirty().into());
    span.finish();
    transaction.finish();

    hub.capture_log(Log {
        level: LogLevel::Info,
        body: dirty(),
        trace_id: None,
        timestamp: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        severity_number: None,
        attributes: Map::from([
            ("note".to_owned(), LogAttribute::from(dirty())),
            ("api_key".to_owned(), LogAttribute::from(SECRET)),
        ]),
    });
    sentry::metrics::counter("payments", 1).attribute("note", dirty()).attribute("api_key", SECRET).capture();

    let check_in = MonitorCheckIn {
        check_in_id: Uuid::from_u128(1),
        monitor_slug: format!("nightly-password={SECRET}"),
        status: MonitorCheckInStatus::Ok,
        environment: Some(format!("token={SECRET}")),
        duration: None,
        monitor_config: None,
    };
    client.send_envelope(EnvelopeItem::from(check_in).into());
    let feedback = FeedbackContext { message: dirty(), name: Some(dirty()), ..FeedbackContext::default() };
    let feedback =
        Event { contexts: [("feedback".to_owned(), Context::from(feedback))].into(), ..Event::default() };
    client.send_envelope(EnvelopeItem::Feedback(Box::new(feedback)).into());

    // What somebody else has written, read back.
    let id = "5b8efff798038103d269b633813fc60c";
    let payload = json!({"event_id": id, "message": dirty(), "extra": {"password": SECRET}});
    let bytes = format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{payload}\n");
    client.send_envelope(Envelope::from_slice(bytes.as_bytes()).expect("an envelope"));
}

/// Runs `f` in a hub of its own whose client sends to `server`, and returns all that arrived, as text.
fn arrived(server: &Server, options: ClientOptions, f: impl FnOnce(&Client)) -> Vec<String> {
    let options = options.dsn(&server.dsn()).release("shop@1.2.3").traces_sample_rate(1.0).enable_logs(true);
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, || f(&client));
    assert!(client.close(Some(PATIENCE)));
    let text = |item: &ingest::Item| format!("{}\n{}", item.headers, item.text());
    server
        .envelopes()
        .iter()
        .flat_map(|envelope| {
            let headers = envelope.headers.to_string();
            std::iter::once(headers).chain(envelope.items.iter().map(text))
        })
        .collect()
}

#[test]
fn no_secret_arrives_whatever_carries_it() {
    let server = Server::start();
    let all = arrived(&server, ClientOptions::new(), |client| {
        sentry::start_session();
        on_the_scope();
        sentry::capture_event(event());
        sentry::capture_message(&dirty(), Level::Warning);
        sentry::capture_error(&std::io::Error::other(dirty()));
        capture_the_rest(client);
        sentry::end_session();
    });
    server.assert_clean();
    for kind in
        ["event", "transaction", "session", "attachment", "log", "trace_metric", "check_in", "feedback"]
    {
        assert!(!server.wait_for_items(kind, 1, PATIENCE).is_empty(), "{kind}");
    }
    for text in &all {
        let shown = text.split('\n').map(|line| line.chars().take(600).collect::<String>());
        let shown = shown.collect::<Vec<_>>().join("\n");
        assert!(!text.contains(SECRET), "{shown}\n… {}", around(text, SECRET));
        assert!(!text.contains("4242 4242"), "{}", around(text, "4242 4242"));
    }
    // What looks like a secret is where it was: in each text that held one.
    let kept: usize = all.iter().map(|text| text.matches(INNOCENT).count()).sum();
    let filtered: usize = all.iter().map(|text| text.matches("password=[Filtered]").count()).sum();
    assert!(kept >= 60, "{kept}");
    assert!(filtered >= 60, "{filtered}");
}

fn around<'a>(text: &'a str, what: &str) -> &'a str {
    let at = text.find(what).unwrap_or_default();
    text.get(at.saturating_sub(120)..(at + 40).min(text.len())).unwrap_or(text)
}

#[test]
fn what_the_application_sets_is_not_gated() {
    let server = Server::start();
    let all = arrived(&server, ClientOptions::new(), |_| {
        sentry::configure_scope(|scope| {
            scope.set_user(Some(User { email: Some("ann@example.com".into()), ..User::default() }));
            scope.set_tag("contact", "ann@example.com");
        });
        sentry::capture_message("mail to bob@example.com bounced", Level::Info);
    });
    let event = &server.events()[0];
    assert_eq!(event["user"]["email"], "ann@example.com");
    assert_eq!(event["tags"]["contact"], "ann@example.com");
    assert_eq!(event["message"], "mail to [Filtered] bounced");
    assert!(!all.concat().contains("bob@"));
}

#[test]
fn switched_off_everything_arrives() {
    let server = Server::start();
    let options = ClientOptions::new().scrub(sentry::options::ScrubOptions::off());
    arrived(&server, options, |_| {
        sentry::capture_message(&dirty(), Level::Info);
    });
    assert_eq!(server.events()[0]["message"], dirty());
}

#[test]
fn a_stage_of_the_application_comes_first() {
    #[derive(Debug)]
    struct Add;

    impl sentry::Finish for Add {
        fn finish(&self, envelope: &mut Envelope) {
            for item in envelope.items_mut() {
                if let EnvelopeItem::Event(event) = item {
                    event.extra.insert("password".into(), SECRET.into());
                }
            }
        }
    }

    let server = Server::start();
    arrived(&server, ClientOptions::new().finish(Add), |_| {
        sentry::capture_message("hello", Level::Info);
    });
    assert_eq!(server.events()[0]["extra"]["password"], "[Filtered]");
}

#[test]
fn copies_for_spotlight_are_scrubbed_too() {
    let server = Server::start();
    let spotlight = Server::start();
    // It is no server of Sentry.
    spotlight.allow_problems();
    let url = format!("http://{}/stream", spotlight.addr());
    let options = ClientOptions::new().spotlight(sentry::options::Spotlight::Url(url.into()));
    arrived(&server, options, |_| {
        sentry::capture_message(&dirty(), Level::Info);
    });
    let seen = spotlight.wait_for_events(1, PATIENCE)[0].to_string();
    assert!(seen.contains(INNOCENT) && !seen.contains(SECRET), "{seen}");
}

#[test]
fn the_disk_never_sees_a_secret() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scrubbing-cache");
    let _ = std::fs::remove_dir_all(&directory);
    // Nobody listens there.
    let options = ClientOptions::new().dsn("http://public@127.0.0.1:9/1").cache_dir(&directory);
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(Arc::clone(&hub), || {
        on_the_scope();
        hub.capture_fatal(event(), None, sentry::Class::Normal);
        client.capture_crash(event(), None);
        sentry::capture_event(event());
    });
    client.close(Some(Duration::from_secs(2)));
    let mut files = 0;
    let mut left = vec![directory];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        files += usize::from(text.contains("password=[Filtered]"));
        assert!(!text.contains(SECRET), "{}: {}", path.display(), around(&text, SECRET));
    }
    assert!(files > 0, "something was written");
}

// ── the labelled samples, for Relay ──

const CORPUS: [&str; 5] = [
    include_str!("../sentry-transport/src/scrub/tests/corpus/secrets.txt"),
    include_str!("../sentry-transport/src/scrub/tests/corpus/innocent.txt"),
    include_str!("../sentry-transport/src/scrub/tests/corpus/held_back.txt"),
    include_str!("../sentry-transport/src/scrub/tests/corpus/held_back_2.txt"),
    include_str!("../sentry-transport/src/scrub/tests/corpus/held_back_3.txt"),
];

/// An event with the sample where such a thing stands.
fn sample(context: &str, text: &str) -> Value {
    let (context, name) = context.split_once(':').unwrap_or((context, "sample"));
    let crumb = |ty: &str| json!({"breadcrumbs": {"values": [{"type": ty, "message": text}]}});
    match context {
        "auto" => crumb("http"),
        "autosql" => crumb("query"),
        "body" => json!({"request": {"data": text}}),
        "cookies" => json!({"request": {"cookies": text}}),
        "header" => json!({"request": {"headers": {name: text}}}),
        "query" => json!({"request": {"query_string": text}}),
        "sql" => json!({"extra": {"db.statement": text}}),
        _ => json!({"extra": {name: text}}),
    }
}

#[test]
fn samples_are_written_for_relay() {
    let lines = CORPUS.iter().flat_map(|file| file.lines()).filter(|line| !line.starts_with('#'));
    let samples: Vec<Value> = lines
        .filter_map(|line| line.split_once('|'))
        .map(|(context, text)| {
            let text = text.replace('¦', "");
            let secrets: Vec<_> = text.split(['‹', '›']).skip(1).step_by(2).collect();
            let before = sample(context, &text.replace(['‹', '›'], ""));
            let after = sentry::scrub::preview(&with_message(&before).to_string());
            let after: Value = serde_json::from_str(&after).expect("JSON stays JSON");
            json!({"label": format!("{context}|{text}"), "secrets": secrets, "before": before, "after": after})
        })
        .collect();
    assert!(samples.len() >= 300, "{}", samples.len());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scrubbing");
    std::fs::create_dir_all(&directory).expect("the target directory is writable");
    let file = directory.join("samples.json");
    std::fs::write(file, Value::from(samples).to_string()).expect("a file can be written");
}

/// Lets the preview see an event in it.
fn with_message(event: &Value) -> Value {
    let mut event = event.clone();
    event["event_id"] = "5b8efff798038103d269b633813fc60c".into();
    event
}
