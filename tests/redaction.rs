//! Keys and passwords of the SDK itself: nothing that is meant for people shows them.
//!
//! A program of its own: the diagnostics belong to the process.

use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ingest::{Reply, Server};
use sentry::protocol::{DynamicSamplingContext, Envelope, Event};
use sentry::types::{Auth, Dsn};
use sentry::{Client, ClientOptions, Hub, Level, TransportOptions, diagnostics};

/// Part of every secret here.
const HUSH: &str = "hush";
const DSN: &str = "https://hushkey:hushsecret@o1.host.example/42";

fn main() {
    let tests: [(&str, fn()); 5] = [
        ("what_is_shown_has_no_keys", shown),
        ("errors_do_not_repeat_what_they_were_given", errors),
        ("diagnostics_have_neither_keys_nor_payloads", lines),
        ("without_verification_it_is_said_once", unverified),
        ("no_type_that_holds_a_secret_derives_debug", sources),
    ];
    for (name, test) in tests {
        test();
        println!("test {name} ... ok");
    }
}

fn options() -> ClientOptions {
    ClientOptions {
        http_proxy: Some("http://me:hushproxy@proxy.example:3128".into()),
        https_proxy: Some("http://me:hushproxy@proxy.example:3128".into()),
        also_send_to: vec![DSN.parse().expect("a dsn")],
        http: sentry::options::HttpOptions {
            client_identity: Some(b"hush".as_slice().into()),
            ..Default::default()
        },
        ..ClientOptions::new().dsn(DSN)
    }
}

fn check(name: &str, shown: &str) {
    assert!(!shown.contains(HUSH), "{name}: {shown}");
    // As bytes.
    assert!(!shown.contains("104, 117, 115, 104"), "{name}: {shown}");
}

fn debug(name: &str, value: &dyn Debug) {
    check(name, &format!("{value:?}"));
    check(name, &format!("{value:#?}"));
}

fn shown() {
    let dsn: Dsn = DSN.parse().expect("a dsn");
    let options = sentry::apply_defaults(options());
    let for_transport = TransportOptions::try_from_client_options(&options).expect("a dsn");
    let trace = DynamicSamplingContext::new().with_public_key("hushkey".into());
    let headers = sentry::envelope::EnvelopeHeaders::new().with_dsn(dsn.clone()).with_trace(trace.clone());
    let envelope = Envelope::from(Event::default()).with_headers(headers.clone());
    let outbound = sentry::Outbound::from_envelope(envelope.clone());
    let request = sentry::transports::Request::new("https://host.example/", b"hush".to_vec())
        .with_header("x-sentry-auth", dsn.to_auth(None).to_string());
    let transport = sentry::transports::ReqwestHttpTransportOptions::from(for_transport.clone()).build();
    let client = Arc::new(Client::from(options.clone()));
    let hub = Hub::new(Some(Arc::clone(&client)), Arc::default());
    let values: [(&str, &dyn Debug); 18] = [
        ("Dsn", &dsn),
        ("Auth", &dsn.to_auth(Some("app/1.0"))),
        ("ClientOptions", &options),
        ("HttpOptions", &options.http),
        ("TransportOptions", &for_transport),
        ("Revival", &for_transport.revival),
        ("DynamicSamplingContext", &trace),
        ("EnvelopeHeaders", &headers),
        ("Envelope", &envelope),
        ("Outbound", &outbound),
        ("Request", &request),
        ("ReqwestHttpTransport", &transport),
        ("Client", &client),
        ("Hub", &hub),
        ("EnvOptions", &sentry::options::EnvOptions::default()),
        ("LastStage", &sentry::scrub::Scrubber::new(&options)),
        ("DefaultTransportFactory", &sentry::transports::DefaultTransportFactory),
        (
            "FanOutFactory",
            &sentry::transports::FanOutFactory::new(Arc::new(sentry::transports::DefaultTransportFactory)),
        ),
    ];
    for (name, value) in values {
        debug(name, value);
    }
    client.close(Some(Duration::ZERO));
}

fn errors() {
    for ugly in [
        "hush",
        "https://hush",
        "https://hush@host",
        "https://hush@host/hush/x y",
        "ftp://hush:hush@host/1",
        "https://hush@/1",
        "https://hush:hush@host:port/1",
    ] {
        if let Err(error) = ugly.parse::<Dsn>() {
            check(ugly, &format!("{error} {error:?}"));
        }
    }
    for ugly in ["Sentry hush", "hush sentry_key=hush", "Sentry sentry_key=hush, sentry_version=hush"] {
        if let Err(error) = ugly.parse::<Auth>() {
            check(ugly, &format!("{error} {error:?}"));
        }
    }
    if let Err(error) = sentry::try_init("https://hush:hush@host.example") {
        check("init", &format!("{error} {error:?}"));
    }
}

/// Everything that the SDK says about itself while all goes wrong.
fn lines() {
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = Arc::clone(&said);
    let listen = move |_: Level, line: &str| {
        if let Ok(mut said) = listener.lock() {
            said.push(line.to_owned());
        }
    };
    diagnostics::set_hook(Some(Arc::new(listen)));
    let refusing = Server::builder().otherwise(Reply::status(401)).start();
    let limited = Server::builder().otherwise(Reply::status(500)).start();
    // They know neither key nor secret.
    [&refusing, &limited].into_iter().for_each(Server::allow_problems);
    let broken = |dsn: String, change: fn(ClientOptions) -> ClientOptions| {
        let dsn = dsn.replace("://public@", "://hushkey:hushsecret@");
        let options = change(ClientOptions::new().dsn(&dsn)).before_send(|event| {
            if event.message.as_deref() == Some("panic") {
                panic!("hushpayload");
            }
            Some(event)
        });
        let client = Arc::new(Client::from(sentry::apply_defaults(options)));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Hub::run(hub, || {
            sentry::capture_message("hushmessage", Level::Error);
            sentry::capture_message("panic", Level::Error);
        });
        client.flush(Some(Duration::from_millis(500)));
        client.close(Some(Duration::from_millis(500)));
        check("Stats", &format!("{:?}", client.stats()));
    };
    broken(refusing.dsn(), |options| options);
    broken(limited.dsn(), |options| options);
    broken("http://public@127.0.0.1:9/1".into(), |options| options);
    broken("http://public@host.invalid/1".into(), |options| {
        options.http_proxy("http://me:hushproxy@127.0.0.1:9").https_proxy("http://me:hushproxy@127.0.0.1:9")
    });
    broken("http://public@127.0.0.1:9/1".into(), |options| options.http_proxy("hush://me:hushproxy@@:x"));
    diagnostics::set_hook(None);
    let said = said.lock().map(|said| said.clone()).unwrap_or_default();
    assert!(!said.is_empty());
    said.iter().for_each(|line| check("diagnostics", line));
}

fn unverified() {
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = Arc::clone(&said);
    diagnostics::set_hook(Some(Arc::new(move |level, line: &str| {
        if let Ok(mut said) = listener.lock()
            && line.contains("accept_invalid_certs")
        {
            said.push(format!("{level}: {line}"));
        }
    })));
    for _ in 0..3 {
        let options = ClientOptions::new().dsn("https://public@127.0.0.1:9/1");
        Client::from(sentry::apply_defaults(options.accept_invalid_certs(true))).close(Some(Duration::ZERO));
    }
    diagnostics::set_hook(None);
    let said = said.lock().map(|said| said.clone()).unwrap_or_default();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("warning"), "{said:?}");
}

/// Reads the sources: a structure whose field is called like a secret writes its `Debug` by hand.
fn sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    let mut left: Vec<_> =
        ["src", "sentry-core/src", "sentry-transport/src", "sentry-panic/src", "sentry-integrations/src"]
            .map(|directory| root.join(directory))
            .into();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            found += secrets_of(&text, &path);
        }
    }
    assert!(found >= 5, "{found} fields are secret: does the search work?");
}

/// How many fields are secret in the structures of a file.
fn secrets_of(text: &str, path: &Path) -> usize {
    const NAMES: [&str; 12] = [
        "auth",
        "authorization",
        "client_identity",
        "credentials",
        "http_proxy",
        "https_proxy",
        "identity",
        "password",
        "public_key",
        "proxy",
        "secret",
        "secret_key",
    ];
    let mut found = 0;
    for (at, _) in text.match_indices("struct ") {
        let head = &text[..at];
        let attributes = &head[head.rfind("\n\n").unwrap_or_default()..];
        let rest = &text[at..];
        let end = rest.find("\n}").unwrap_or(0).min(rest.find(';').unwrap_or(usize::MAX));
        let Some(fields) = rest.get(..end).and_then(|rest| rest.split_once('{')) else { continue };
        for line in fields.1.lines() {
            let line = line.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
            let Some((name, ty)) = line.trim_start_matches("pub ").split_once(": ") else { continue };
            let holds_text = ["String", "Cow<", "str>", "[u8]", "Vec<u8>", "HeaderValue", "Url"];
            if !NAMES.contains(&name) || !holds_text.iter().any(|it| ty.contains(it)) {
                continue;
            }
            found += 1;
            let derives = attributes.lines().find(|line| line.starts_with("#[derive("));
            let derives_debug = derives.is_some_and(|line| line.contains("Debug"));
            let what = rest.lines().next().unwrap_or_default();
            assert!(!derives_debug, "{}: {what} shows its field {name}", path.display());
        }
    }
    found
}
