//! What the doctor says to servers of every kind, over real sockets.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ingest::{Reply, Server, refused_addr, unknown_host};
use sentry::doctor::{Report, Row, Status, check};
use sentry::{ClientOptions, Envelope, Transport, TransportFactory};

const LONG: Duration = Duration::from_secs(30);

fn row<'r>(report: &'r Report, name: &str) -> &'r Row {
    report.row(name).unwrap_or_else(|| panic!("a row named {name}:\n{report}"))
}

/// The names of the rows that failed, in order.
fn failures(report: &Report) -> Vec<&'static str> {
    report.failures().map(|row| row.name).collect()
}

fn fix<'r>(report: &'r Report, name: &str) -> &'r str {
    row(report, name).fix.as_deref().unwrap_or_else(|| panic!("a fix for {name}:\n{report}"))
}

fn dsn(addr: SocketAddr) -> String {
    format!("http://hush@{addr}/42")
}

#[test]
fn a_healthy_server_gets_one_marked_event() {
    let server = Server::start();
    let options = ClientOptions::new()
        .release("shop@1.2.0")
        .sample_rate(0.0)
        .traces_sample_rate(1.0)
        .auto_session_tracking(true);
    let report = check((&*server.dsn(), options), LONG);

    assert!(report.is_healthy(), "{report}");
    assert_eq!(row(&report, "tcp").status, Status::Ok);
    assert_eq!(row(&report, "sampling").status, Status::Warn);
    let events = server.wait_for_events(1, LONG);
    assert_eq!(events[0]["message"], "sentry doctor: test event");
    assert_eq!((&events[0]["level"], &events[0]["tags"]["sentry.doctor"]), (&"info".into(), &"test".into()));
    let id = events[0]["event_id"].as_str().expect("an id").to_owned();
    assert!(row(&report, "event").detail.contains(&id), "{report}");
    assert_eq!(server.requests().len(), 1, "the event and nothing else");
    server.assert_clean();
}

#[test]
fn every_refusal_is_explained() {
    for (reply, words) in [
        (Reply::status(401), ["status 401", "copy the DSN again"]),
        (Reply::status(403).header("X-Sentry-Error", "ProjectId"), ["ProjectId", "copy the DSN again"]),
        (Reply::status(404), ["status 404", "project id"]),
        (Reply::status(413), ["status 413", "raise its limit"]),
        (Reply::rate_limited("60:error:organization"), ["60:error:organization", "quota"]),
        (Reply::status(500), ["status 500", "log"]),
        (Reply::status(503), ["status 503", "start it"]),
        (
            Reply::status(301).header("Location", "https://host/"),
            ["location https://host/", "write https://"],
        ),
    ] {
        let server = Server::builder().otherwise(reply.clone()).start();
        let started = now();
        let report = check(&*server.dsn(), LONG);
        assert_eq!(failures(&report), ["event"], "{reply:?}:\n{report}");
        let text = format!("{} {}", row(&report, "event").detail, fix(&report, "event"));
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
        assert!(started.elapsed() < LONG / 2, "the first answer decides");
    }
}

#[test]
fn a_clock_that_is_wrong_is_a_warning() {
    let server =
        Server::builder().otherwise(Reply::ok().header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")).start();
    let report = check(&*server.dsn(), LONG);
    assert!(report.is_healthy(), "{report}");
    assert!(row(&report, "clock").detail.contains("ahead of the server"), "{report}");
}

#[test]
fn a_refused_port_is_found_at_once() {
    let started = now();
    let report = check(&*dsn(refused_addr()), LONG);
    assert_eq!(failures(&report), ["tcp", "event"], "{report}");
    assert!(fix(&report, "tcp").contains("port"), "{report}");
    assert!(started.elapsed() < LONG / 2);
    assert!(!report.to_string().contains("hush"), "{report}");
}

#[test]
fn a_server_that_hangs_ends_with_the_deadline() {
    for reply in [Reply::hang(), Reply::blackhole()] {
        let server = Server::builder().otherwise(reply.clone()).start();
        server.allow_problems();
        let started = now();
        let report = check(&*server.dsn(), Duration::from_millis(500));
        let took = started.elapsed();
        assert_eq!(failures(&report), ["event"], "{reply:?}:\n{report}");
        assert!(row(&report, "event").detail.contains("no answer"), "{report}");
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

#[test]
fn tls_that_is_none_is_told_from_a_server_that_breaks_off() {
    let server = Server::builder().otherwise(Reply::garbage()).start();
    server.allow_problems();
    let report = check(&*server.dsn(), LONG);
    assert_eq!(failures(&report), ["event"], "{report}");
    assert!(fix(&report, "event").contains("https://"), "{report}");

    // The server answers what it takes for a bad request in plain text.
    let https = server.dsn().replace("http://", "https://");
    server.otherwise(Reply::ok());
    let report = check(&*https, LONG);
    assert_eq!(failures(&report), ["tls", "event"], "{report}");
    assert!(fix(&report, "tls").contains("http://"), "{report}");
}

#[test]
fn a_name_that_does_not_exist_is_found() {
    let host = unknown_host();
    let report = check(&*format!("https://hush@{host}/42"), LONG);
    assert!(failures(&report).contains(&"event"), "{report}");
    assert!(row(&report, "dns").detail.contains(&host), "{report}");
    assert_eq!(row(&report, "dns").status, Status::Fail, "{report}");
    assert_eq!(row(&report, "tcp").status, Status::Skipped, "{report}");
}

#[test]
fn a_proxy_is_where_the_connection_goes() {
    let gone = refused_addr();
    let options = ClientOptions::new().http_proxy(format!("http://me:hush@{gone}"));
    let report = check((&*format!("http://key@{}/42", unknown_host()), options), LONG);
    assert_eq!(failures(&report), ["tcp", "event"], "{report}");
    assert!(row(&report, "proxy").detail.contains(&gone.to_string()), "{report}");
    assert!(!report.to_string().contains("hush"), "{report}");
}

#[test]
fn without_a_dsn_there_is_one_thing_to_do() {
    for config in ["", "https://hush"] {
        let report = check(config, LONG);
        assert!(failures(&report).contains(&"dsn") && !report.to_string().contains("hush"), "{report}");
    }
    assert!(fix(&check((), LONG), "dsn").contains("SENTRY_DSN"));
}

#[test]
fn a_callback_that_drops_everything_is_named_and_the_server_still_examined() {
    let server = Server::start();
    let report = check((&*server.dsn(), ClientOptions::new().before_send(|_| None)), LONG);
    assert!(report.is_healthy(), "{report}");
    assert_eq!(row(&report, "before_send").status, Status::Warn, "{report}");
    assert_eq!(server.wait_for_events(1, LONG).len(), 1);
}

#[test]
fn a_transport_of_the_application_is_asked_and_not_closed() {
    let shared = Arc::new(Keeping::default());
    let options = ClientOptions { transport: Some(Arc::new(Arc::clone(&shared))), ..ClientOptions::new() };
    // Nobody listens there, and nobody has to.
    let report = check((&*dsn(refused_addr()), options), LONG);
    assert!(report.is_healthy(), "{report}");
    assert_eq!(row(&report, "tcp").status, Status::Warn, "{report}");
    assert_eq!(shared.counts(), (1, 0));

    let options = ClientOptions { transport: Some(Arc::new(Stuck)), ..ClientOptions::new() };
    let started = now();
    let report = check((&*dsn(refused_addr()), options), Duration::from_millis(300));
    assert!(failures(&report).contains(&"event"), "{report}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_server_that_never_accepts_ends_with_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let started = now();
    let report = check(&*dsn(listener.local_addr().expect("bound")), Duration::from_millis(500));
    assert_eq!(failures(&report), ["event"], "{report}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

/// Counts envelopes and shutdowns.
#[derive(Default)]
struct Keeping(Mutex<(usize, usize)>);

impl Keeping {
    fn counts(&self) -> (usize, usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Keeping {
    fn send_envelope(&self, _envelope: Envelope) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
    }

    fn shutdown(&self, _timeout: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 += 1;
        true
    }
}

/// Never comes back from being made.
struct Stuck;

impl TransportFactory for Stuck {
    fn create_transport(&self, _options: &ClientOptions) -> Arc<dyn Transport> {
        loop {
            std::thread::park();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests measure time")]
fn now() -> Instant {
    Instant::now()
}

/// A directory of its own, gone with the test.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sentry-doctor-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory for temporary files");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_cache_directory_is_examined_and_left_as_it_is() {
    let server = Server::start();
    let dir = Directory::new("cache");
    let cache = dir.0.join("cache");
    let examine = || check((&*server.dsn(), ClientOptions::new().cache_dir(&cache)), LONG);
    let report = examine();
    assert_eq!(row(&report, "cache").status, Status::Ok, "{report}");
    assert!(row(&report, "cache").detail.ends_with("the first start makes it"), "{report}");
    assert!(!cache.exists(), "the doctor makes nothing");

    let down = format!("http://hush@{}/42", refused_addr());
    let guard = sentry::Client::from_config(sentry::apply_defaults(
        ClientOptions::new().dsn(&down).cache_dir(&cache).default_integrations(false),
    ));
    guard.capture_event(sentry::protocol::Event::default(), None);
    guard.close(Some(Duration::from_secs(5)));
    let report = examine();
    let detail = &row(&report, "cache").detail;
    assert!(detail.contains("1 waiting (") && detail.contains("the oldest for "), "{report}");
    assert_eq!(sentry::spool::list(&cache).expect("it is there").len(), 1, "the doctor sends nothing of it");
    assert!(row(&check(&*server.dsn(), LONG), "cache").status == Status::Skipped);
}

#[test]
fn every_fault_of_the_cache_directory_is_explained() {
    let server = Server::start();
    let dir = Directory::new("faults");
    let file = dir.0.join("file");
    std::fs::write(&file, "x").expect("written");
    let mut faults = vec![(file.clone(), ["is a file", "name a directory"])];
    faults.push((file.join("below"), ["cannot be", "directory"]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let (link, open) = (dir.0.join("link"), dir.0.join("open"));
        symlink(&dir.0, &link).expect("linked");
        std::fs::create_dir(&open).expect("made");
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).expect("opened");
        faults.push((link, ["is a link", "leads to"]));
        faults.push((open.join("cache"), ["everybody may change", "choose another"]));
    }
    for (cache, words) in faults {
        let report = check((&*server.dsn(), ClientOptions::new().cache_dir(&cache)), LONG);
        let text = format!("{} {}", row(&report, "cache").detail, fix(&report, "cache"));
        assert!(words.iter().all(|word| text.contains(word)), "{words:?} in {text}");
        assert_eq!(row(&report, "cache").status, Status::Warn, "events arrive nevertheless");
        assert!(report.is_healthy(), "{report}");
    }
}
