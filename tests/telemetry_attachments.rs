//! Attachments by path: read when they are sent, however large, and whatever becomes of the file meanwhile.
#![expect(clippy::disallowed_methods, reason = "a test measures")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ingest::Server;
use sentry::protocol::client_report::Category;
use sentry::protocol::{Attachment, AttachmentType, FileAttachment};
use sentry::{Client, ClientOptions, Hub, Level, Scope};

/// Memory is that of the process: one after the other.
static ONE: Mutex<()> = Mutex::new(());

/// Captures one event with these attachments; returns the payloads the server has received by name, what was lost, and how
/// long the capture took.
fn sent(options: ClientOptions, attach: impl FnOnce(&mut Scope)) -> (Vec<(String, Vec<u8>)>, u64, Duration) {
    let server = Server::start();
    let client = Arc::new(Client::from(sentry::apply_defaults(options.dsn(&server.dsn()))));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    let took = Hub::run(hub, || {
        sentry::configure_scope(attach);
        let begun = Instant::now();
        sentry::capture_message("with files", Level::Error);
        begun.elapsed()
    });
    assert!(client.close(Some(Duration::from_secs(20))));
    assert_eq!(server.events().len(), 1, "the event arrives");
    let files = server.items("attachment");
    let name = |item: &ingest::Item| item.headers["filename"].as_str().unwrap().to_owned();
    let files = files.iter().map(|item| (name(item), item.payload.to_vec())).collect();
    let losses = client.stats().losses;
    let lost = losses.iter().filter(|item| item.category() == Category::Attachment);
    (files, lost.map(|item| item.quantity()).sum(), took)
}

#[test]
fn a_file_is_read_when_it_is_sent_with_all_its_headers() {
    let _one = ONE.lock();
    let place = Place::new("headers");
    let path = place.file("state.bin", b"the state");
    let server = Server::start();
    let client = Arc::new(Client::from(sentry::apply_defaults(ClientOptions::new().dsn(&server.dsn()))));
    Hub::run(Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), || {
        sentry::with_scope(
            |scope| {
                scope.add_file_attachment(FileAttachment {
                    filename: "renamed.json".into(),
                    content_type: Some("application/json".into()),
                    attachment_type: Some(AttachmentType::Custom("event.view_hierarchy".into())),
                    ..FileAttachment::new(&path)
                });
            },
            || sentry::capture_message("one", Level::Error),
        );
        sentry::capture_message("the other", Level::Error);
    });
    assert!(client.close(None));
    let [item] = &server.items("attachment")[..] else { panic!("with one capture only") };
    assert_eq!(item.headers["filename"], "renamed.json");
    assert_eq!(item.headers["content_type"], "application/json");
    assert_eq!(item.headers["attachment_type"], "event.view_hierarchy");
    assert_eq!(&item.payload[..], b"the state");
}

#[test]
fn a_file_of_a_gigabyte_costs_no_memory_and_no_time() {
    let _one = ONE.lock();
    let place = Place::new("large");
    let path = place.0.join("core");
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    // Warm: the threads and buffers of a client that sends.
    sent(ClientOptions::new(), |_| {});
    let before = resident();
    let (done, most) = (AtomicBool::new(false), Mutex::new(0));
    let (files, lost, took) = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let mut most = most.lock().unwrap();
                *most = resident().max(*most);
                drop(most);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let result = sent(ClientOptions::new(), |scope| scope.add_attachment_path(&path));
        done.store(true, Ordering::SeqCst);
        result
    });
    let grown = most.into_inner().unwrap().saturating_sub(before);
    println!("a file of 1 GiB: the capture takes {took:?}, memory grows by {} KiB", grown >> 10);
    assert!(files.is_empty());
    assert_eq!(lost, 1 << 30, "attachments are counted in bytes");
    assert!(grown <= 16 << 20, "{grown}");
    assert!(took < Duration::from_millis(50), "{took:?}");
}

#[test]
fn a_file_goes_with_transactions_where_it_is_meant_to() {
    let _one = ONE.lock();
    let place = Place::new("transactions");
    let (with, without) = (place.file("with.txt", b"with"), place.file("without.txt", b"without"));
    let options = || ClientOptions::new().traces_sample_rate(1.0);
    // A callback changes nothing about it.
    for options in [options(), options().before_send_transaction(Some)] {
        let server = Server::start();
        let client = Arc::new(Client::from(sentry::apply_defaults(options.dsn(&server.dsn()))));
        Hub::run(Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())), || {
            let bytes = |filename: &str| Attachment {
                buffer: b"bytes".to_vec(),
                filename: filename.into(),
                ..Attachment::default()
            };
            sentry::configure_scope(|scope| {
                scope.add_attachment(bytes("without.bin"));
                scope.add_attachment_to_transactions(bytes("with.bin"));
                scope.add_attachment_path(&without);
                scope.add_file_attachment(FileAttachment {
                    add_to_transactions: true,
                    ..FileAttachment::new(&with)
                });
            });
            sentry::start_transaction(sentry::TransactionContext::new("job", "task")).finish();
            sentry::capture_message("the event has them all", Level::Error);
        });
        assert!(client.close(Some(Duration::from_secs(20))));
        assert_eq!(server.items("transaction").len(), 1);
        let (mut of_transaction, mut of_event) = (Vec::new(), Vec::new());
        for envelope in server.envelopes() {
            let names =
                envelope.items_of("attachment").map(|item| item.headers["filename"].as_str().unwrap());
            let names: Vec<_> = names.map(str::to_owned).collect();
            let is_transaction = envelope.items_of("transaction").next().is_some();
            let list = if is_transaction { &mut of_transaction } else { &mut of_event };
            list.extend(names);
        }
        assert_eq!(of_transaction, ["with.bin", "with.txt"]);
        assert_eq!(of_event, ["without.bin", "with.bin", "without.txt", "with.txt"]);
        assert_eq!(client.stats().losses, []);
    }
}

#[test]
fn what_cannot_be_read_is_counted_and_the_rest_arrives() {
    let _one = ONE.lock();
    let place = Place::new("missing");
    let good = place.file("good.txt", b"good");
    let (files, lost, _) = sent(ClientOptions::new(), |scope| {
        scope.add_attachment_path(place.0.join("missing"));
        // A folder.
        scope.add_attachment_path(&place.0);
        scope.add_attachment_path(&good);
    });
    assert_eq!(files, [("good.txt".to_owned(), b"good".to_vec())]);
    assert_eq!(lost, 2);
    let (files, lost, _) =
        sent(ClientOptions::new().max_attachment_size(3), |scope| scope.add_attachment_path(&good));
    assert_eq!((files, lost), (Vec::new(), 4));
}

#[test]
fn a_file_that_changes_is_sent_as_some_state_of_it() {
    let _one = ONE.lock();
    let place = Place::new("changing");
    let path = place.file("app.log", b"");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut size = 0;
            while !done.load(Ordering::SeqCst) {
                size = (size + 4_099) % 300_000;
                let _ = fs::write(&path, vec![b'x'; size]);
            }
        });
        for _ in 0..20 {
            let (files, lost, _) = sent(ClientOptions::new(), |scope| scope.add_attachment_path(&path));
            assert_eq!((files.len(), lost), (1, 0));
            assert!(files[0].1.iter().all(|byte| *byte == b'x'));
        }
        done.store(true, Ordering::SeqCst);
    });
}

/// A directory of its own, gone with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-attachments-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0 as &Path);
    }
}

/// Bytes of this process in memory; 0 where that cannot be told.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
