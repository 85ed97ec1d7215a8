//! What every sender over HTTP must do, against real sockets. One suite, instantiated per sender at the end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ingest::{Reply, Server, Stalls, refused_addr, unknown_host};
use sentry_core::protocol::{Envelope, Event, FileAttachment};
use sentry_core::{ClientOptions, TransportOptions, clock};

use super::{Deadline, Request, Response, SendError, Sender, Stream};
use crate::driver::Runtime;

/// A sender to be examined.
#[derive(Clone, Copy)]
struct Subject {
    make: fn(&TransportOptions) -> Arc<dyn Sender>,
    runtime: Runtime,
}

type Answer = Result<Response, SendError>;

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(400);

/// What a busy machine adds, besides its stalls.
const SLACK: Duration = Duration::from_millis(400);

impl Subject {
    fn sender(self, dsn: &str, change: impl FnOnce(&mut ClientOptions)) -> Arc<dyn Sender> {
        let mut options = ClientOptions { dsn: Some(dsn.parse().unwrap()), ..ClientOptions::default() };
        change(&mut options);
        // reqwest sets TLS up whatever is asked for.
        #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls"), feature = "reqwest"))]
        let _ = rustls::crypto::ring::default_provider().install_default();
        (self.make)(&TransportOptions::try_from_client_options(&options).unwrap())
    }

    /// Sends several requests at once and waits for all.
    fn exchange_all(
        self,
        sender: &Arc<dyn Sender>,
        requests: Vec<Request>,
        patience: Duration,
    ) -> Vec<Answer> {
        let answers = Mutex::new(Vec::new());
        let driver = self.runtime.driver().unwrap();
        driver.block_on(Box::pin(async {
            let deadline = Deadline::after(clock::instant(), patience);
            let mut flights: Vec<_> =
                requests.into_iter().map(|request| sender.send(request, deadline)).collect();
            std::future::poll_fn(|context| {
                flights.retain_mut(|flight| match flight.as_mut().poll(context) {
                    std::task::Poll::Ready(answer) => {
                        answers.lock().unwrap().push(answer);
                        false
                    }
                    std::task::Poll::Pending => true,
                });
                if flights.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        }));
        answers.into_inner().unwrap()
    }

    /// Sends requests one after the other, on one driver, so that connections may be kept.
    fn exchange_in_turn(self, sender: &Arc<dyn Sender>, requests: Vec<Request>) -> Vec<Answer> {
        let answers = Mutex::new(Vec::new());
        self.runtime.driver().unwrap().block_on(Box::pin(async {
            for request in requests {
                let answer = sender.send(request, Deadline::after(clock::instant(), LONG)).await;
                answers.lock().unwrap().push(answer);
            }
        }));
        answers.into_inner().unwrap()
    }

    fn exchange(self, sender: &Arc<dyn Sender>, request: Request, patience: Duration) -> Answer {
        self.exchange_all(sender, vec![request], patience).pop().unwrap()
    }

    /// One request to a server, by a sender of its own.
    fn ask(self, server: &Server, body: Vec<u8>) -> Answer {
        let sender = self.sender(&server.dsn(), |_| ());
        self.exchange(&sender, request(&server.addr().to_string(), body), LONG)
    }

    /// That a request without an answer ends in time, and how.
    fn ends_in_time(self, address: &str, body: Vec<u8>) -> SendError {
        let sender = self.sender(&format!("http://key@{address}/1"), |_| ());
        let (stalls, start) = (Stalls::watch(), clock::instant());
        let error = self.exchange(&sender, request(address, body), SHORT).unwrap_err();
        let took = start.elapsed();
        assert!(took < SHORT + SLACK + stalls.total(), "{took:?}: {error:?}");
        assert!(!error.is_permanent(), "{error:?}");
        error
    }
}

/// What is sent here is bytes; whether they make a good envelope is not the business of a sender.
fn serve(builder: ingest::Builder) -> Server {
    let server = builder.start();
    server.allow_problems();
    server
}

fn healthy() -> Server {
    serve(Server::builder())
}

fn request(address: &str, body: Vec<u8>) -> Request {
    Request::new(format!("http://{address}/api/1/envelope/"), body)
        .with_header("x-sentry-auth", "Sentry sentry_version=7, sentry_client=test/1, sentry_key=key")
        .with_header("user-agent", "test/1")
        .with_header("content-type", "application/x-sentry-envelope")
}

fn envelope(bytes: usize) -> Vec<u8> {
    let payload = "x".repeat(bytes);
    format!("{{}}\n{{\"type\":\"attachment\",\"length\":{bytes},\"filename\":\"a\"}}\n{payload}\n")
        .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A listener whose connections are handled by `handle`.
fn listen(handle: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    #[expect(clippy::disallowed_methods, reason = "a server of the test")]
    std::thread::spawn(move || listener.incoming().flatten().for_each(handle));
    address
}

fn bytes_and_headers_arrive_as_they_are(subject: Subject) {
    let server = healthy();
    let plain = envelope(1024 * 1024);
    let body = gzip(&plain);
    let sender = subject.sender(&server.dsn(), |_| ());
    let request = request(&server.addr().to_string(), body).with_header("content-encoding", "gzip");
    assert_eq!(subject.exchange(&sender, request, LONG).unwrap().status(), 200);
    let got = server.requests().pop().unwrap();
    assert_eq!(
        got.header("x-sentry-auth"),
        Some("Sentry sentry_version=7, sentry_client=test/1, sentry_key=key")
    );
    assert_eq!(got.header("user-agent"), Some("test/1"));
    assert_eq!(got.header("content-type"), Some("application/x-sentry-envelope"));
    assert_eq!(got.header("content-encoding"), Some("gzip"));
    assert_eq!(got.header("content-length").map(str::len), Some(7));
    assert_eq!(server.items("attachment").len(), 1);
}

/// An envelope with a file of `length` bytes, as a request that reads it while it is sent.
fn streamed(address: &str, path: &Path, length: usize) -> (Request, Vec<u8>) {
    std::fs::write(path, vec![b'x'; length]).unwrap();
    let mut envelope = Envelope::from(Event::default());
    envelope.add_item(FileAttachment::new(path));
    let mut whole = Vec::new();
    envelope.to_writer(&mut whole).unwrap();
    let (pieces, _) = envelope.open().unwrap().into_pieces(&mut Vec::new()).unwrap();
    let url = format!("http://{address}/api/1/envelope/");
    let request = Request::streamed(url, Stream::new(pieces))
        .with_header("x-sentry-auth", "Sentry sentry_version=7, sentry_client=test/1, sentry_key=key");
    (request, whole)
}

fn a_stream_arrives_as_it_is_with_its_length(subject: Subject) {
    let server = healthy();
    let sender = subject.sender(&server.dsn(), |_| ());
    assert!(sender.takes_streams());
    let file = Scratch::new("stream");
    for length in [1, 100_000, 10_000_000] {
        let (request, whole) = streamed(&server.addr().to_string(), &file.0, length);
        assert_eq!(subject.exchange(&sender, request, LONG).unwrap().status(), 200);
        let got = server.requests().pop().unwrap();
        assert_eq!(got.header("content-length"), Some(&*whole.len().to_string()));
        assert_eq!((got.header("transfer-encoding"), got.header("content-encoding")), (None, None));
        assert!(got.raw_body == whole, "{length}");
    }
    // What comes next over the same connection is not taken for a part of it.
    let bytes = request(&server.addr().to_string(), envelope(10));
    assert_eq!(subject.exchange(&sender, bytes, LONG).unwrap().status(), 200);
}

fn a_stream_that_breaks_is_given_up(subject: Subject) {
    let server = healthy();
    let sender = subject.sender(&server.dsn(), |_| ());
    let file = Scratch::new("broken");
    let (request, _) = streamed(&server.addr().to_string(), &file.0, 1_000_000);
    let watch = Arc::clone(request.watch().unwrap());
    std::fs::OpenOptions::new().write(true).open(&file.0).unwrap().set_len(500_000).unwrap();
    let start = clock::instant();
    let error = subject.exchange(&sender, request, LONG).unwrap_err();
    assert!(start.elapsed() < LONG / 2, "{:?}", start.elapsed());
    assert!(!error.is_connect() && !error.is_permanent(), "{error:?}");
    assert_eq!(watch.broken(), Some(1));
    assert_eq!(server.requests().len(), 0, "half an envelope is none");
    let bytes = self::request(&server.addr().to_string(), envelope(10));
    assert_eq!(subject.exchange(&sender, bytes, LONG).unwrap().status(), 200);
}

/// A file that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sentry-conformance-{}-{name}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn status_and_headers_come_back_whatever_the_status(subject: Subject) {
    for status in [200, 202, 400, 413, 429, 500, 503] {
        let server = healthy();
        server.script([Reply::status(status)
            .header("X-Sentry-Rate-Limits", "60:error:key")
            .header("Retry-After", "7")]);
        let answer = subject.ask(&server, envelope(10)).unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.header("x-sentry-rate-limits"), Some("60:error:key"), "{status}");
        assert_eq!(answer.header("retry-after"), Some("7"), "{status}");
    }
}

fn what_was_never_sent_says_so(subject: Subject) {
    assert!(subject.ends_in_time(&refused_addr().to_string(), envelope(10)).is_connect());
    assert!(subject.ends_in_time(&unknown_host(), envelope(10)).is_connect());
}

fn what_may_have_arrived_says_so(subject: Subject) {
    for reply in [Reply::reset(), Reply::close_after_body(), Reply::reset_after_body(), Reply::garbage()] {
        let server = serve(Server::builder().otherwise(reply));
        let error = subject.ends_in_time(&server.addr().to_string(), envelope(10));
        assert!(!error.is_connect(), "{error:?}");
    }
}

fn silence_ends_at_the_deadline(subject: Subject) {
    for reply in [Reply::hang(), Reply::drip(Duration::from_secs(1))] {
        let server = serve(Server::builder().otherwise(reply));
        let error = subject.ends_in_time(&server.addr().to_string(), envelope(10));
        assert!(error.is_timeout() && !error.is_connect(), "{error:?}");
    }
}

fn a_server_that_does_not_read_ends_at_the_deadline(subject: Subject) {
    let kept = Mutex::new(Vec::new());
    let address = listen(move |connection| kept.lock().unwrap().push(connection));
    let error = subject.ends_in_time(&address, envelope(16 * 1024 * 1024));
    assert!(error.is_timeout(), "{error:?}");
}

fn a_redirect_is_not_followed(subject: Subject) {
    let elsewhere = healthy();
    let server = healthy();
    server.script([Reply::status(307).header("Location", &format!("http://{}/", elsewhere.addr()))]);
    assert_eq!(subject.ask(&server, envelope(10)).unwrap().status(), 307);
    assert_eq!(elsewhere.log().connections(), 0);
}

fn an_endless_answer_is_cut(subject: Subject) {
    let address = listen(|mut connection| {
        let mut request = [0; 65_536];
        let _ = connection.read(&mut request);
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        while connection.write_all(&[b'x'; 65_536]).is_ok() {}
    });
    let sender = subject.sender(&format!("http://key@{address}/1"), |_| ());
    let (stalls, start) = (Stalls::watch(), clock::instant());
    let answer = subject.exchange(&sender, request(&address, envelope(10)), Duration::from_secs(3)).unwrap();
    let took = start.elapsed();
    assert_eq!(answer.status(), 200);
    assert!(answer.body().len() <= 256 * 1024, "{}", answer.body().len());
    assert!(took < Duration::from_secs(3) + SLACK + stalls.total(), "{took:?}");
}

/// The status decides: what comes late or never behind it makes no failure of it, and no duplicate.
fn an_answer_whose_body_never_ends_is_an_answer(subject: Subject) {
    let address = listen(|mut connection| {
        let mut request = [0; 65_536];
        let _ = connection.read(&mut request);
        let _ =
            connection.write_all(b"HTTP/1.1 202 OK\r\nRetry-After: 7\r\nContent-Length: 1000\r\n\r\nsome");
        let _ = connection.read(&mut request);
    });
    let sender = subject.sender(&format!("http://key@{address}/1"), |_| ());
    let start = clock::instant();
    let answer = subject.exchange(&sender, request(&address, envelope(10)), LONG).unwrap();
    assert_eq!((answer.status(), answer.header("retry-after")), (202, Some("7")));
    assert!(start.elapsed() < LONG / 3, "{:?}: not worth waiting for", start.elapsed());
}

/// Too much, too long, no text, and no colon: an answer or an error, but neither a panic nor a wait.
fn a_hostile_head_does_no_harm(subject: Subject) {
    let many = "X-Sentry-Rate-Limits: 1::organization\r\n".repeat(20_000);
    let long = format!("X: {}\r\n", "y".repeat(4 * 1024 * 1024));
    for head in
        [many.as_bytes(), long.as_bytes(), b"X: \xff\xfe\x01\r\n", b"no colon\r\n", b"\0: \0\r\n", b": \r\n"]
    {
        let head = head.to_vec();
        let address = listen(move |mut connection| {
            let _ = connection.read(&mut [0; 65_536]);
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\n");
            let _ = connection.write_all(&head);
            let _ = connection.write_all(b"Content-Length: 0\r\nConnection: close\r\n\r\n");
        });
        let sender = subject.sender(&format!("http://key@{address}/1"), |_| ());
        let start = clock::instant();
        match subject.exchange(&sender, request(&address, envelope(10)), LONG) {
            Ok(answer) => assert!(answer.headers("x-sentry-rate-limits").count() <= 128),
            Err(error) => assert!(!error.is_permanent() && !error.is_connect(), "{error:?}"),
        }
        assert!(start.elapsed() < LONG / 2, "{:?}", start.elapsed());
    }
}

fn connections_are_kept(subject: Subject) {
    let server = healthy();
    let sender = subject.sender(&server.dsn(), |_| ());
    let requests = || (0..20).map(|_| request(&server.addr().to_string(), envelope(10))).collect();
    assert!(subject.exchange_in_turn(&sender, requests()).iter().all(Result::is_ok));
    assert_eq!(server.log().attempts(), 20);
    // A thread may not have put the first one back yet when the second one is asked for.
    assert!(server.log().connections() <= 2, "{}", server.log().connections());
}

fn requests_run_side_by_side(subject: Subject) {
    let slow = serve(Server::builder().latency(Duration::from_millis(200)));
    let sender = subject.sender(&slow.dsn(), |_| ());
    let requests = (0..16).map(|_| request(&slow.addr().to_string(), envelope(10))).collect();
    let start = clock::instant();
    let answers = subject.exchange_all(&sender, requests, LONG);
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status() == 200)));
    assert!(start.elapsed() < Duration::from_millis(8 * 200), "{:?}: one after the other", start.elapsed());
}

/// A host that is away and comes back is reached again, by the same sender.
fn an_outage_leaves_nothing_behind(subject: Subject) {
    let server = healthy();
    let sender = subject.sender(&server.dsn(), |_| ());
    let ask = || subject.exchange(&sender, request(&server.addr().to_string(), envelope(10)), LONG);
    assert_eq!(ask().unwrap().status(), 200);
    server.refuse();
    // The first may still find a kept connection that was cut.
    assert!((0..3).any(|_| ask().is_err_and(|error| error.is_connect())));
    server.resume();
    assert_eq!(ask().unwrap().status(), 200);
}

fn tls_to_a_server_without_it_is_no_connection(subject: Subject) {
    let server = healthy();
    let address = server.addr().to_string();
    let sender = subject.sender(&format!("https://key@{address}/1"), |_| ());
    let request = Request::new(format!("https://{address}/api/1/envelope/"), envelope(10));
    let (stalls, start) = (Stalls::watch(), clock::instant());
    let error = subject.exchange(&sender, request, Duration::from_secs(2)).unwrap_err();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2) + SLACK + stalls.total(), "{took:?}");
    assert_eq!(server.requests().len(), 0);
    // Without a TLS feature it is the set-up that is wrong; either way nothing was sent.
    assert!(error.is_connect() || error.is_permanent(), "{error:?}");
}

fn the_options_are_obeyed(subject: Subject) {
    let server = healthy();
    let address = server.addr();
    let with = |name: &str, change: &dyn Fn(&mut ClientOptions)| {
        // The proxy and its exceptions go by the host of the DSN.
        let sender = subject.sender(&format!("http://key@{name}/1"), |options| change(options));
        subject.exchange(&sender, request(name, envelope(10)), Duration::from_secs(3))
    };
    // With nothing in its answers: behind the one to `CONNECT` the tunnel begins.
    let through = serve(Server::builder().otherwise(Reply::ok().body("")));
    let proxy = format!("http://{}", through.addr());
    // A proxy is asked for the whole URL, and not when the host is exempt.
    let proxied = with("server.example", &|options| options.http_proxy = Some(proxy.clone().into()));
    assert_eq!(proxied.unwrap().status(), 200);
    // One request, or a tunnel first.
    let asked = through.log().attempts();
    assert!((1..=2).contains(&asked), "{asked}");
    let nobody = unknown_host();
    for (host, list) in
        [(&*nobody, ".invalid"), (&nobody, "other, invalid"), (&nobody, "*"), ("127.0.0.1:1", "127.0.0.0/8")]
    {
        let exempt = with(host, &|options| {
            options.http_proxy = Some(proxy.clone().into());
            options.http.no_proxy = Some(list.into());
        });
        let error = exempt.unwrap_err();
        assert!(error.is_connect(), "{host} {list}: {error:?}");
        assert_eq!(through.log().attempts(), asked, "{host} {list}");
    }
    // A lookup of the application's own; its panic is an error.
    let found = with("server.example", &|options| {
        options.http.resolver = Some(Arc::new(move |name| {
            assert_eq!(name, "server.example");
            Ok(vec![address])
        }));
    });
    assert_eq!(found.unwrap().status(), 200);
    let failed = with("server.example", &|options| {
        options.http.resolver = Some(Arc::new(|_| panic!("expected by the test")));
    });
    assert!(failed.unwrap_err().is_connect());
    let empty = with("server.example", &|options| options.http.resolver = Some(Arc::new(|_| Ok(Vec::new()))));
    assert!(empty.unwrap_err().is_connect());
    // A proxy that is none is left out.
    let name: &'static str = address.to_string().leak();
    let direct = with(name, &|options| options.http_proxy = Some("::not a url::".into()));
    assert_eq!(direct.unwrap().status(), 200);
}

/// A Relay on this machine that listens on a unix socket; the DSN names another address.
#[cfg(unix)]
fn a_unix_socket_is_used_whatever_the_dsn_says(subject: Subject) {
    use std::os::unix::net::UnixListener;

    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("sentry-{}-{number}.socket", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a server of the test")]
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(&envelope(10)) {
            let mut piece = [0; 4096];
            let read = connection.read(&mut piece).unwrap();
            assert!(read > 0, "the request was cut");
            request.extend_from_slice(&piece[..read]);
        }
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").unwrap();
        String::from_utf8_lossy(&request).into_owned()
    });
    let sender = subject.sender("http://key@relay.invalid/1", |options| {
        options.http.unix_socket = Some(path.clone());
    });
    let answer = subject.exchange(&sender, request("relay.invalid", envelope(10)), LONG).unwrap();
    assert_eq!(answer.status(), 200);
    assert!(server.join().unwrap().starts_with("POST /api/1/envelope/ HTTP/1.1\r\n"));
    std::fs::remove_file(path).unwrap();
    // Nobody listens there any more, and nobody else is asked.
    assert!(
        subject.exchange(&sender, request("relay.invalid", envelope(10)), LONG).unwrap_err().is_connect()
    );
}

#[cfg(not(unix))]
fn a_unix_socket_is_used_whatever_the_dsn_says(_: Subject) {}

/// The suite for one sender.
macro_rules! conforms {
    ($name:ident, $make:expr, $runtime:expr) => {
        mod $name {
            const SUBJECT: super::Subject = super::Subject { make: $make, runtime: $runtime };
            conforms!(SUBJECT:
                bytes_and_headers_arrive_as_they_are,
                a_stream_arrives_as_it_is_with_its_length,
                a_stream_that_breaks_is_given_up,
                status_and_headers_come_back_whatever_the_status,
                what_was_never_sent_says_so,
                what_may_have_arrived_says_so,
                silence_ends_at_the_deadline,
                a_server_that_does_not_read_ends_at_the_deadline,
                a_redirect_is_not_followed,
                an_endless_answer_is_cut,
                an_answer_whose_body_never_ends_is_an_answer,
                a_hostile_head_does_no_harm,
                connections_are_kept,
                requests_run_side_by_side,
                an_outage_leaves_nothing_behind,
                a_unix_socket_is_used_whatever_the_dsn_says,
                tls_to_a_server_without_it_is_no_connection,
                the_options_are_obeyed,
            );
        }
    };
    ($subject:ident: $($check:ident,)+) => {$(
        #[test]
        fn $check() {
            super::$check($subject);
        }
    )+};
}

#[cfg(feature = "reqwest")]
conforms!(
    over_reqwest,
    |options| {
        use super::super::reqwest::{ClientConfig, ReqwestSender};
        std::sync::Arc::new(ReqwestSender::new(ClientConfig::new(options)))
    },
    crate::driver::Runtime::Tokio
);

#[cfg(feature = "ureq")]
conforms!(
    over_ureq,
    |options| {
        use super::super::blocking::Blocking;
        use super::super::ureq::{AgentConfig, UreqExchange};
        std::sync::Arc::new(Blocking::new(UreqExchange::new(AgentConfig::new(options)), None))
    },
    crate::driver::Runtime::Park
);

#[cfg(feature = "curl")]
conforms!(
    over_curl,
    |options| {
        use super::super::blocking::Blocking;
        use super::super::curl::{CurlConfig, CurlExchange};
        std::sync::Arc::new(Blocking::new(CurlExchange::new(CurlConfig::new(options)), None))
    },
    crate::driver::Runtime::Park
);
