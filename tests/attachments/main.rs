//! Attachments that are too large for memory: sent piece by piece, put aside while they wait, and given up cleanly when a
//! file is not what it was. A gigabyte over reqwest, and over the others 64 MiB, or as much with `SENTRY_TEST_LONG` set.
#![expect(clippy::disallowed_methods, reason = "a test measures")]

mod child;
mod server;

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sentry::protocol::client_report::Category;
use sentry::{Client, ClientOptions, Hub, Level, Scope};

use self::server::{Meanwhile, Server};

const MIB: u64 = 1024 * 1024;

/// What the memory of a process may grow by, whatever it attaches.
const MOST: u64 = 16 * MIB;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "child") {
        return child::run(&arguments[1..]);
    }
    let cases: [(&str, fn()); 8] = [
        ("a_large_file_is_sent_in_constant_memory", a_large_file_is_sent_in_constant_memory),
        ("bytes_that_wait_are_put_aside", bytes_that_wait_are_put_aside),
        (
            "what_is_appended_while_a_file_is_sent_is_left_out",
            what_is_appended_while_a_file_is_sent_is_left_out,
        ),
        ("a_file_that_shrinks_is_left_out", a_file_that_shrinks_is_left_out),
        ("a_file_that_vanishes_is_sent_as_it_was", a_file_that_vanishes_is_sent_as_it_was),
        ("what_is_no_file_is_left_out", what_is_no_file_is_left_out),
        ("a_server_that_refuses_the_size_gets_the_event", a_server_that_refuses_the_size_gets_the_event),
        ("the_cache_keeps_the_event_without_a_large_file", the_cache_keeps_the_event_without_a_large_file),
    ];
    let wanted = |name: &str| {
        let mut filters = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(filter.as_str()))
    };
    for (name, case) in cases.into_iter().filter(|(name, _)| wanted(name)) {
        println!("{name}");
        case();
    }
}

fn is_long() -> bool {
    std::env::var_os("SENTRY_TEST_LONG").is_some()
}

fn transports() -> Vec<&'static str> {
    let mut all = vec!["reqwest"];
    all.extend(cfg!(feature = "ureq").then_some("ureq"));
    all.extend(cfg!(feature = "curl").then_some("curl"));
    all
}

fn a_large_file_is_sent_in_constant_memory() {
    let place = Place::new("large");
    for transport in transports() {
        let length = if transport == "reqwest" || is_long() { 1024 * MIB } else { 64 * MIB };
        let path = place.sparse("core", length);
        let server = Server::start(Some(path.clone()), None, Duration::ZERO);
        let said = child::ask("path", transport, &server.dsn(), path.to_str().unwrap());
        println!(
            "  {length} bytes over {transport}: memory grows by {} KiB, the capture takes {} ms",
            said.grown >> 10,
            said.slowest
        );
        assert_eq!((said.lost, said.lost_events), (0, 0));
        let files = server.items("attachment");
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].length, files[0].is_same, &*files[0].filename), (length, true, "core"));
        assert_eq!(server.items("event").len(), 2);
        assert!(said.grown <= MOST, "{}", said.grown);
    }
}

fn bytes_that_wait_are_put_aside() {
    const EACH: u64 = 5_000_000;
    let server = Server::start(None, None, Duration::from_millis(50));
    let said = child::ask("bytes", "reqwest", &server.dsn(), &EACH.to_string());
    println!(
        "  100 x 5 MB: memory grows by {} KiB, the slowest capture takes {} ms",
        said.grown >> 10,
        said.slowest
    );
    assert_eq!((said.lost, said.lost_events), (0, 0));
    let files = server.items("attachment");
    assert_eq!(files.len(), 100);
    assert!(files.iter().all(|file| file.length == EACH));
    assert_eq!(server.items("event").len(), 101);
    // What the queue may hold, what may be under way, and a copy of one that is made ready.
    assert!(said.grown <= 48 * MIB, "{}", said.grown);
}

/// Sends one event, and returns what was lost of attachments.
fn send(server: &Server, options: ClientOptions, attach: impl FnOnce(&mut Scope)) -> u64 {
    let options = options.dsn(server.dsn().as_str()).max_attachment_size(1 << 30);
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    Hub::run(Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), || {
        sentry::with_scope(attach, || sentry::capture_message("with files", Level::Error));
    });
    assert!(client.flush(Some(Duration::from_secs(120))), "{:?}", client.stats());
    let losses = client.stats().losses;
    let of = |category| losses.iter().filter(move |item| item.category() == category);
    assert_eq!(of(Category::Error).count(), 0, "the event arrives");
    let lost = of(Category::Attachment).map(|item| item.quantity()).sum();
    client.close(Some(Duration::from_secs(10)));
    lost
}

/// Sends a file of 64 MiB to which something happens when a part of it has arrived.
fn meanwhile(name: &str, act: impl Fn(&Path) + Send + Sync + 'static) -> (Server, u64) {
    let place = Place::new(name);
    let path = place.sparse("app.log", 64 * MIB);
    let theirs = path.clone();
    let act: Meanwhile = Box::new(move || act(&theirs));
    let server = Server::start(None, Some(act), Duration::ZERO);
    let lost = send(&server, ClientOptions::new(), |scope| scope.add_attachment_path(&path));
    (server, lost)
}

fn what_is_appended_while_a_file_is_sent_is_left_out() {
    let (server, lost) = meanwhile("growing", |path| {
        OpenOptions::new().append(true).open(path).unwrap().write_all(&[b'y'; 100_000]).unwrap();
    });
    let files = server.items("attachment");
    assert_eq!((files.len(), files[0].length, lost), (1, 64 * MIB, 0));
    assert_eq!((server.items("event").len(), server.received().len()), (1, 1));
}

fn a_file_that_shrinks_is_left_out() {
    let (server, lost) = meanwhile("shrinking", |path| {
        OpenOptions::new().write(true).open(path).unwrap().set_len(100).unwrap();
    });
    let received = server.received();
    assert!(
        !received[0].is_whole && received[0].announced > 64 * MIB,
        "the first one is cut off: {received:?}"
    );
    assert!(received[1..].iter().all(|received| received.is_whole));
    assert_eq!((server.items("event").len(), server.items("attachment").len()), (1, 0));
    assert_eq!(lost, 1, "once");
}

fn a_file_that_vanishes_is_sent_as_it_was() {
    let (server, lost) = meanwhile("vanishing", |path| fs::remove_file(path).unwrap());
    let files = server.items("attachment");
    assert_eq!((files.len(), files[0].length, lost), (1, 64 * MIB, 0));
}

fn what_is_no_file_is_left_out() {
    let place = Place::new("odd");
    let large = place.sparse("large", 8 * MIB);
    let odd = place.odd();
    // With a large file beside them, and without.
    for large in [None, Some(&large)] {
        for path in odd.iter().map(Some).chain([None]) {
            let server = Server::start(None, None, Duration::ZERO);
            let paths: Vec<_> = path.map_or_else(|| odd.iter().collect(), |path| vec![path]);
            let lost = send(&server, ClientOptions::new(), |scope| {
                paths.iter().chain(large.as_slice()).for_each(|path| scope.add_attachment_path(path));
            });
            assert_eq!(lost, paths.len() as u64, "each once: {paths:?}");
            assert_eq!(server.items("event").len(), 1);
            assert_eq!(server.items("attachment").len(), usize::from(large.is_some()));
        }
    }
}

fn a_server_that_refuses_the_size_gets_the_event() {
    let place = Place::new("refused");
    let path = place.sparse("core", 8 * MIB);
    let server = ingest::Server::start();
    server.script([ingest::Reply::status(413)]);
    let client = Client::from(sentry::apply_defaults(ClientOptions::new().dsn(&server.dsn())));
    let client = Arc::new(client);
    Hub::run(Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), || {
        sentry::with_scope(
            |scope| scope.add_attachment_path(&path),
            || {
                sentry::capture_message("with a core", Level::Error);
            },
        );
    });
    assert!(client.close(Some(Duration::from_secs(60))));
    let accepted: Vec<_> = server.requests().into_iter().filter(ingest::Request::is_accepted).collect();
    let text = accepted.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned());
    let events: Vec<_> = text.filter(|text| text.contains("with a core")).collect();
    assert_eq!(events.len(), 1);
    assert!(!events[0].contains(r#""type":"attachment""#), "without it");
    let losses = client.stats().losses;
    let lost: Vec<_> = losses.iter().map(|item| (item.category(), item.quantity())).collect();
    assert_eq!(lost, [(Category::Attachment, 1)]);
}

fn the_cache_keeps_the_event_without_a_large_file() {
    let place = Place::new("cache");
    let (large, small) = (place.sparse("large", 20 * MIB), place.0.join("small"));
    fs::write(&small, b"small").unwrap();
    let cache = place.0.join("cache");
    let options = || ClientOptions::new().cache_dir(&cache).max_attachment_size(1 << 30);
    let away = Client::from(sentry::apply_defaults(
        options().dsn(&format!("http://key@{}/1", ingest::refused_addr())),
    ));
    let away = Arc::new(away);
    Hub::run(Arc::new(Hub::new(Some(Arc::clone(&away)), Arc::default())), || {
        let attach = |scope: &mut Scope| {
            scope.add_attachment_path(&large);
            scope.add_attachment_path(&small);
        };
        sentry::with_scope(attach, || sentry::capture_message("kept", Level::Error));
    });
    away.close(Some(Duration::from_secs(20)));
    let losses = away.stats().losses;
    let lost: Vec<_> = losses.iter().map(|item| (item.category(), item.quantity())).collect();
    assert_eq!(lost, [(Category::Attachment, 1)], "{:?}", away.stats());
    let kept = files_below(&cache).into_iter().filter_map(|path| fs::read(path).ok());
    let kept: Vec<_> = kept.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
    let kept: Vec<_> = kept.iter().filter(|text| text.contains(r#""message":"kept""#)).collect();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].contains("\"filename\":\"small\"") && !kept[0].contains("\"filename\":\"large\""));
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// A directory of its own, gone with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-large-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A file that takes little room, with something at both ends and in the middle.
    fn sparse(&self, name: &str, length: u64) -> PathBuf {
        let path = self.0.join(name);
        let mut file = File::create(&path).unwrap();
        file.set_len(length).unwrap();
        for (place, text) in [(0, "begin"), (length / 2 - 3, "middle"), (length - 3, "end")] {
            file.seek(SeekFrom::Start(place)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
        path
    }

    /// What cannot be read as a file.
    #[cfg(unix)]
    fn odd(&self) -> Vec<PathBuf> {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let path = |name: &str| self.0.join(name);
        symlink(path("nowhere"), path("dangling")).unwrap();
        symlink(path("circle"), path("circle")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(path("pipe")).status();
        let mut odd =
            vec![path("missing"), self.0.clone(), path("dangling"), path("circle"), "/dev/zero".into()];
        odd.extend(pipe.is_ok_and(|status| status.success()).then(|| path("pipe")));
        fs::write(path("secret"), b"secret").unwrap();
        fs::set_permissions(path("secret"), PermissionsExt::from_mode(0o000)).unwrap();
        // Nothing is unreadable for the super-user.
        odd.extend(File::open(path("secret")).is_err().then(|| path("secret")));
        odd
    }

    #[cfg(not(unix))]
    fn odd(&self) -> Vec<PathBuf> {
        vec![self.0.join("missing"), self.0.clone()]
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
