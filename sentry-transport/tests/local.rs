//! Senders that stay on the machine, from a client to what they leave behind.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sentry_core::protocol::client_report::Reason;
use sentry_core::protocol::{Breadcrumb, Envelope, Event, Level};
use sentry_core::{Client, ClientOptions};
use sentry_transport::{FileSender, FnSender, Request, Response, SendError, SenderTransport, StdoutSender};

const LONG: Duration = Duration::from_secs(30);

fn client(options: ClientOptions) -> Client {
    // Everything here works without a DSN.
    let client = Client::with_options(options.release("app@1"));
    assert!(client.is_enabled() && client.dsn().is_none());
    client
}

/// A small event, and one that is compressed on the way.
fn capture_two(client: &Client) -> [String; 2] {
    ["small", "large"].map(|message| {
        let mut event = Event { message: Some(message.into()), level: Level::Warning, ..Event::new() };
        if message == "large" {
            let crumb = Breadcrumb { message: Some("x".repeat(100)), ..Breadcrumb::default() };
            event.breadcrumbs = vec![crumb; 100].into();
        }
        client.capture_event(event, None).simple().to_string()
    })
}

fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("local-{name}"));
    let _ = fs::remove_dir_all(&path);
    let _ = fs::remove_file(&path);
    path
}

#[test]
fn a_file_per_envelope_can_be_read_back() {
    let path = scratch("directory");
    let client = client(ClientOptions::new().transport(FileSender::directory(&path)));
    let ids = capture_two(&client);
    assert!(client.flush(Some(LONG)));
    let mut files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let envelopes: Vec<_> = files.iter().map(|file| Envelope::from_path(file).unwrap()).collect();
    let found: Vec<_> = envelopes.iter().map(|e| e.uuid().unwrap().simple().to_string()).collect();
    assert_eq!(found, ids);
    assert_eq!(envelopes[1].event().unwrap().breadcrumbs.len(), 100);
    assert_eq!(envelopes[0].event().unwrap().release.as_deref(), Some("app@1"));
    assert!(client.close(Some(LONG)));
}

#[test]
fn one_file_holds_envelopes_that_a_blank_line_separates() {
    let path = scratch("append.log");
    let client = client(ClientOptions::new().transport(FileSender::append(&path)));
    let ids = capture_two(&client);
    assert!(client.close(Some(LONG)));
    let text = fs::read_to_string(&path).unwrap();
    let parts: Vec<_> = text.split_terminator("\n\n").collect();
    let found: Vec<_> = parts
        .iter()
        .map(|part| Envelope::from_slice(part.as_bytes()).unwrap().uuid().unwrap().simple().to_string())
        .collect();
    assert_eq!(found, ids);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_counted_and_said_in_so_many_words() {
    let options = ClientOptions::new().transport(FileSender::append("/dev/full"));
    let recorder = options.client_report_recorder.clone();
    let client = client(options);
    capture_two(&client);
    client.close(Some(LONG));
    let lost: Vec<_> = recorder.totals().iter().map(|item| (item.reason(), item.quantity())).collect();
    assert_eq!(lost, [(Reason::InternalSdkError, 2)]);
    let said = recorder.stats().last_error.unwrap_or_default();
    assert!(said.contains("/dev/full") && said.contains("No space left"), "{said}");
}

/// A writer that can be read, until it is closed.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>, bool);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_printed_can_be_read_by_a_person() {
    let pipe = Pipe::default();
    let client = client(ClientOptions::new().transport(StdoutSender::to(pipe.clone())));
    let [small, large] = capture_two(&client);
    assert!(client.close(Some(LONG)));
    let text = String::from_utf8(pipe.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("[sentry]")).collect();
    assert_eq!(
        lines,
        [
            format!("[sentry] event {small}  warning  small"),
            format!("[sentry] event {large}  warning  large")
        ]
    );
    assert!(text.contains("release app@1"), "{text}");
}

#[test]
fn a_closed_pipe_is_a_loss_and_no_panic() {
    let options = ClientOptions::new().transport(StdoutSender::to(Pipe(Arc::default(), true)));
    let recorder = options.client_report_recorder.clone();
    let client = client(options);
    capture_two(&client);
    client.close(Some(LONG));
    assert_eq!(recorder.totals().iter().map(|item| item.quantity()).sum::<u64>(), 2);
}

#[test]
fn a_closure_sees_requests_and_answers_them() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&seen);
    let mut tries = 0;
    // `FnMut`, with an error first: it is tried again.
    let sender = FnSender::new(move |request: Request| {
        tries += 1;
        if tries == 1 {
            return Err(SendError::connect());
        }
        theirs.lock().unwrap().push(request.envelope().unwrap());
        Ok(Response::new(200))
    });
    let client = client(ClientOptions::new().transport(sender));
    let ids = capture_two(&client);
    assert!(client.flush(Some(LONG)));
    let seen = seen.lock().unwrap();
    let mut found: Vec<_> = seen.iter().map(|e| e.uuid().unwrap().simple().to_string()).collect();
    let mut ids = ids.to_vec();
    found.sort();
    ids.sort();
    assert_eq!(found, ids);
}

#[test]
fn a_closure_that_panics_takes_nothing_down() {
    let sender = FnSender::new(|_| -> Response { panic!("expected by the test") });
    let options = ClientOptions::new().transport(sender);
    let recorder = options.client_report_recorder.clone();
    let client = client(options);
    capture_two(&client);
    client.close(Some(LONG));
    assert_eq!(recorder.totals().iter().map(|item| item.quantity()).sum::<u64>(), 2);
}

#[test]
fn a_sender_for_servers_is_off_without_a_dsn() {
    let sender = FnSender::new(|_| Response::new(200));
    let options = ClientOptions::new().transport(SenderTransport::new(sender));
    assert!(!Client::with_options(options.clone()).is_enabled());
    assert!(Client::with_options(options.dsn("http://public@localhost/1")).is_enabled());
}
