//! More than can be sent: logs give way, errors do not.
//!
//! A server with a known latency and a fixed number of requests under way drain at a known rate. Two threads produce four
//! times that, one request in ten an error and the rest logs. The queue fills up with logs, sheds the oldest of them, and
//! every log is received or counted. Two seconds long; ten with `SENTRY_TEST_LONG` set.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ingest::Server;
use sentry::protocol::{Envelope, EnvelopeItem, Event, Log, LogLevel, TraceId};
use sentry::transports::DefaultTransportFactory;
use sentry::{Client, ClientOptions, Transport, TransportFactory};
use sentry_core::options::HttpOptions;
use sentry_core::protocol::client_report::{Category, Item};
use sentry_core::{Outbound, Telemetry};

const LATENCY: Duration = Duration::from_millis(20);
const IN_FLIGHT: usize = 4;

/// Requests a second that four at a time make of 20 ms each.
const DRAIN: f64 = IN_FLIGHT as f64 * 1_000.0 / 20.0;

const PRODUCERS: usize = 2;

/// For what is left in the queue at the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Logs as a caller of [`Client::send_envelope`] has them, ready in envelopes of about 20 KiB.
#[test]
fn errors_outlast_an_overload_of_ready_envelopes() {
    const BATCH: usize = 20;
    overload(BATCH, |client, _, number| {
        let logs: Vec<_> = (0..BATCH).map(|n| log(number * BATCH + n)).collect();
        let mut envelope = Envelope::new();
        envelope.add_item(EnvelopeItem::ItemContainer(logs.into()));
        client.send_envelope(envelope);
        1
    });
}

/// Logs one by one, as the SDK itself hands them over; a hundred of them make a request.
#[test]
fn errors_outlast_an_overload_of_single_logs() {
    const BATCH: usize = 100;
    overload(1, |_, transport, number| {
        for n in 0..BATCH {
            let body = body(number * BATCH + n);
            let trace = "0123456789abcdef0123456789abcdef";
            let json =
                format!(r#"{{"timestamp":1.7e9,"trace_id":"{trace}","level":"info","body":"{body}"}}"#);
            transport.send(Outbound::from_telemetry(Telemetry::log(json.into_bytes())));
        }
        BATCH
    });
}

/// `send` sends about a request's worth of logs, `logs_each` at a time, and says how many times.
fn overload(logs_each: usize, send: impl Fn(&Client, &dyn Transport, usize) -> usize + Sync) {
    let server = Server::builder().latency(LATENCY).start();
    let (client, transport) = client_of(&server);

    let errors = Mutex::new(BTreeSet::new());
    let start = now();
    let sends: usize = thread::scope(|threads| {
        let produce = || produce(&client, &errors, |number| send(&client, &*transport, number));
        let producers = [(); PRODUCERS].map(|()| threads.spawn(produce));
        producers.into_iter().map(|producer| producer.join().unwrap()).sum()
    });
    let took = start.elapsed();
    let drained = server.log().requests().len();
    assert!(client.close(Some(PATIENCE)), "everything has an answer");

    let errors = errors.into_inner().unwrap();
    let received = Received::by(&server);
    let lost = |category| lost(&client, category);
    let logs = (sends * logs_each) as u64;
    println!("in {took:?}: {} errors, {logs} logs, {drained} requests drained", errors.len());
    println!("received {} errors, {} logs; {:?}", received.errors.len(), received.logs, client.stats());
    assert_eq!(lost(Category::Error), 0, "no error gives way to logs");
    assert_eq!(received.errors, errors);
    assert!(lost(Category::LogItem) > 0, "this is not an overload");
    assert_eq!(received.logs + lost(Category::LogItem), logs, "received + counted = sent");
    assert!(
        lost(Category::LogByte) > lost(Category::LogItem) * 900,
        "lost logs are counted by their bytes too"
    );
    let stats = client.stats();
    assert_eq!(stats.accepted, (errors.len() + sends) as u64);
    assert_eq!(stats.delivered + stats.dropped, stats.accepted);
}

/// A client with the default transport, and that transport.
fn client_of(server: &Server) -> (Client, Arc<dyn Transport>) {
    let made = Arc::new(OnceLock::new());
    let slot = Arc::clone(&made);
    let factory = move |options: &ClientOptions| {
        Arc::clone(slot.get_or_init(|| DefaultTransportFactory.create_transport(options)))
    };
    let http = HttpOptions { max_in_flight: NonZeroUsize::new(IN_FLIGHT), ..Default::default() };
    let options = ClientOptions::new().dsn(&server.dsn()).http(http).transport(factory);
    let client = Client::from(sentry::apply_defaults(options));
    let transport = Arc::clone(made.get().unwrap());
    (client, transport)
}

/// One producer's share; how often it has sent logs.
fn produce(client: &Client, errors: &Mutex<BTreeSet<String>>, send: impl Fn(usize) -> usize) -> usize {
    let rate = DRAIN * 4.0 / PRODUCERS as f64;
    let (start, length) = (now(), length());
    let (mut sent, mut sends) = (0, 0);
    while start.elapsed() < length {
        let due = (start.elapsed().as_secs_f64() * rate) as usize;
        while sent < due {
            if sent % 10 == 0 {
                let event = Event { message: Some(format!("error {sent}")), ..Default::default() };
                let id = client.capture_event(event, None);
                errors.lock().unwrap().insert(id.simple().to_string());
            } else {
                sends += send(sent);
            }
            sent += 1;
        }
        // The pace is time itself.
        thread::sleep(Duration::from_millis(5));
    }
    sends
}

fn log(number: usize) -> Log {
    Log {
        level: LogLevel::Info,
        body: body(number),
        trace_id: Some(TraceId::default()),
        timestamp: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        severity_number: None,
        attributes: [("number".to_owned(), number.to_string().into())].into_iter().collect(),
    }
}

fn body(number: usize) -> String {
    format!("{number}: {}", "the same as ever ".repeat(60))
}

struct Received {
    errors: BTreeSet<String>,
    logs: u64,
}

impl Received {
    fn by(server: &Server) -> Self {
        let (mut errors, mut logs) = (BTreeSet::new(), 0);
        for envelope in server.log().accepted_envelopes() {
            if envelope.items_of("event").next().is_some() {
                errors.extend(envelope.event_id().map(str::to_owned));
            }
            logs +=
                envelope.items_of("log").filter_map(|item| item.headers["item_count"].as_u64()).sum::<u64>();
        }
        Self { errors, logs }
    }
}

fn lost(client: &Client, category: Category) -> u64 {
    let losses = client.stats().losses;
    losses.iter().filter(|item| item.category() == category).map(Item::quantity).sum()
}

#[expect(clippy::disallowed_methods, reason = "a switch for the machine that runs this test, not an option")]
fn length() -> Duration {
    Duration::from_secs(if std::env::var_os("SENTRY_TEST_LONG").is_some() { 10 } else { 2 })
}

#[expect(clippy::disallowed_methods, reason = "a test paces itself with the clock of the system")]
fn now() -> Instant {
    Instant::now()
}
