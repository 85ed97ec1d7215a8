//! The process whose memory is measured: it sends one event with what it is told to attach, and says what came of it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sentry::protocol::Attachment;
use sentry::protocol::client_report::Category;
use sentry::{Client, ClientOptions, Hub, Level};

/// What a child has said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Bytes of memory that it came to need.
    pub(crate) grown: u64,
    /// Bytes of attachments that it has lost.
    pub(crate) lost: u64,
    /// Events that it has lost.
    pub(crate) lost_events: u64,
    /// The longest capture, in milliseconds.
    pub(crate) slowest: u64,
}

/// Asks a child.
pub(crate) fn ask(what: &str, transport: &str, dsn: &str, detail: &str) -> Said {
    let program = std::env::current_exe().unwrap();
    let mut command = std::process::Command::new(program);
    let output = command.args(["child", what, transport, dsn, detail]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [grown, lost, lost_events, slowest] = numbers[..] else { panic!("{text}") };
    Said { grown, lost, lost_events, slowest }
}

/// Is the child.
pub(crate) fn run(arguments: &[String]) {
    let [what, transport, dsn, detail] = arguments else { panic!("{arguments:?}") };
    let options = ClientOptions::new().dsn(dsn.as_str()).max_attachment_size(2 << 30);
    let options = ClientOptions { server_name: Some("child".into()), ..options };
    let client = Arc::new(Client::from(sentry::apply_defaults(over(transport, options))));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, || {
        // Warm: the threads and buffers of a client that sends.
        sentry::capture_message("warm", Level::Error);
        assert!(client.flush(Some(Duration::from_secs(60))));
        let before = most_resident();
        let slowest = match what.as_str() {
            "path" => {
                let path = PathBuf::from(detail);
                sentry::with_scope(
                    |scope| scope.add_attachment_path(path),
                    || {
                        timed(|| {
                            sentry::capture_message("with a file", Level::Error);
                        })
                    },
                )
            }
            "bytes" => {
                let captures = (0..100).map(|number| {
                    let attachment = Attachment {
                        buffer: vec![b'a' + number % 26; detail.parse().unwrap()],
                        filename: format!("{number}.bin"),
                        ..Attachment::default()
                    };
                    sentry::with_scope(
                        |scope| scope.add_attachment(attachment),
                        || {
                            timed(|| {
                                sentry::capture_message(&format!("number {number}"), Level::Error);
                            })
                        },
                    )
                });
                captures.max().unwrap()
            }
            _ => panic!("{what}"),
        };
        assert!(client.flush(Some(Duration::from_secs(900))), "{:?}", client.stats());
        let grown = most_resident().saturating_sub(before);
        let lost = |category| -> u64 {
            let losses = client.stats().losses;
            losses.iter().filter(|item| item.category() == category).map(|item| item.quantity()).sum()
        };
        let slowest = slowest.as_millis();
        println!("{grown} {} {} {slowest}", lost(Category::Attachment), lost(Category::Error));
    });
    client.close(Some(Duration::from_secs(10)));
}

fn timed(capture: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    capture();
    begun.elapsed()
}

fn over(transport: &str, options: ClientOptions) -> ClientOptions {
    let mut options = options;
    // As many at once as a server far away gets.
    options.http.max_in_flight = NonZeroUsize::new(16);
    match transport {
        #[cfg(feature = "ureq")]
        "ureq" => options.transport(|options: &ClientOptions| {
            let options = sentry::TransportOptions::try_from_client_options(options).unwrap();
            Arc::new(sentry::transports::UreqHttpTransportOptions::from(options).build())
                as Arc<dyn sentry::Transport>
        }),
        #[cfg(feature = "curl")]
        "curl" => options.transport(|options: &ClientOptions| {
            let options = sentry::TransportOptions::try_from_client_options(options).unwrap();
            Arc::new(sentry::transports::CurlHttpTransportOptions::from(options).build())
                as Arc<dyn sentry::Transport>
        }),
        _ => options,
    }
}

/// The most memory that this process has had; 0 where that cannot be told.
fn most_resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}
