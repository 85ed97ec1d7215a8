//! What the SDK writes, byte for byte: one file per kind of item in `wire/`, each with every optional field that the public
//! API can set.
//!
//! `.ci/relay/golden.py` reads these files with a reader of its own, and finds each field of the protocol in one of them. After a
//! wanted change write them anew with `GOLDEN=write cargo test --test golden`, and look at the difference before committing it.

mod event;
mod items;
mod json;
mod mask;
#[cfg(feature = "profiling")]
mod profile;
mod telemetry;
mod trace;
mod wire;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ingest::Server;
use sentry::{Client, ClientOptions, Hub};

use crate::mask::{EPOCH, Mask};

const PATIENCE: Duration = Duration::from_secs(30);

/// The moment of all that is dated by the tests.
fn moment() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH)
}

/// Options of a client that adds nothing about this machine.
fn options() -> ClientOptions {
    ClientOptions::new()
        .default_integrations(false)
        .release("golden@1.0.0")
        .environment("test")
        .dist("7")
        .server_name("web-1")
}

/// Runs `f` on a hub of its own, and compares the first envelope with an item of type `kind` with its file.
#[track_caller]
fn check(name: &str, kind: &str, options: ClientOptions, f: impl FnOnce()) {
    check_with(name, kind, options, Mask::default(), f);
}

#[track_caller]
fn check_with(name: &str, kind: &str, options: ClientOptions, mask: Mask, f: impl FnOnce()) {
    let server = Server::start();
    let client = Arc::new(Client::from(sentry::apply_defaults(options.dsn(&server.dsn()))));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, f);
    assert!(client.close(Some(PATIENCE)));
    compare(name, kind, &server, mask);
}

/// Compares what `server` has received with the file of this name.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says whether to write")]
fn compare(name: &str, kind: &str, server: &Server, mut mask: Mask) {
    server.assert_clean();
    let requests = server.requests();
    let has = |body: &[u8]| {
        ingest::Envelope::parse(body).is_ok_and(|envelope| envelope.items_of(kind).next().is_some())
    };
    let request = requests.iter().find(|request| has(&request.body));
    let body = &request
        .unwrap_or_else(|| panic!("no envelope with an item of type {kind} among {}", requests.len()))
        .body;
    let found = wire::masked(body, &mut mask);
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/wire").join(format!("{name}.envelope"));
    if std::env::var_os("GOLDEN").is_some_and(|wish| wish == "write") {
        std::fs::write(&path, &found).expect("the file can be written");
        return;
    }
    let wanted = std::fs::read(&path).unwrap_or_default();
    if found == wanted {
        return;
    }
    let at = found.iter().zip(&wanted).take_while(|(one, other)| one == other).count();
    let around = |bytes: &[u8]| {
        let shown = &bytes[at.saturating_sub(80).min(bytes.len())..bytes.len().min(at + 160)];
        String::from_utf8_lossy(shown).into_owned()
    };
    panic!(
        "{name} differs at byte {at}:\n sent …{}…\n file …{}…\nafter a wanted change: GOLDEN=write cargo test --test golden",
        around(&found),
        around(&wanted)
    );
}
