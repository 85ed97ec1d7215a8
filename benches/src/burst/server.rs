//! The process that receives. It must be faster than whoever sends: a thread per connection reads by `Content-Length`, waits,
//! answers, and keeps the body; nothing is decoded before the burst is over.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use ingest::Envelope;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// The bodies of one connection.
type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

/// `burst-server MILLISECONDS`; prints its address. When its input ends: connections, requests, bytes, distinct event ids,
/// quantities in client reports.
pub fn server(latency: &str) {
    let latency = Duration::from_millis(latency.parse().expect("milliseconds"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let connections: Arc<Mutex<Vec<Bodies>>> = Arc::default();
    let all = Arc::clone(&connections);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let bodies = Bodies::default();
            all.lock().expect("no panic").push(Arc::clone(&bodies));
            thread::spawn(move || serve(stream, latency, |body| bodies.lock().expect("no panic").push(body)));
        }
    });
    // The parent closes our input when the client is gone.
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    print(&connections.lock().expect("no panic"));
}

/// Serves one connection, and hands over the body of each request after its answer.
pub fn serve(stream: TcpStream, latency: Duration, mut take: impl FnMut(Vec<u8>)) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let mut line = Vec::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line == b"\r\n" {
                break;
            }
            if line.len() > 16 && line[..15].eq_ignore_ascii_case(b"content-length:") {
                length = String::from_utf8_lossy(&line[15..]).trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if !latency.is_zero() {
            thread::sleep(latency);
        }
        // An answer is what makes it delivered.
        reader.get_mut().write_all(ANSWER)?;
        take(body);
    }
}

fn print(connections: &[Bodies]) {
    let (mut requests, mut bytes, mut ids) = (0, 0, BTreeSet::new());
    let mut losses = BTreeMap::<String, u64>::new();
    for bodies in connections {
        for body in bodies.lock().expect("no panic").iter() {
            requests += 1;
            bytes += body.len();
            let Ok(envelope) = Envelope::parse(&plain(body)) else { continue };
            for item in &envelope.items {
                match item.kind() {
                    "event" => _ = ids.insert(envelope.event_id().map(str::to_owned)),
                    "client_report" => count(&item.json(), &mut losses),
                    _ => {}
                }
            }
        }
    }
    let lost: u64 = losses.values().sum();
    println!("{} {requests} {bytes} {} {lost} {losses:?}", connections.len(), ids.len());
}

fn count(report: &serde_json::Value, losses: &mut BTreeMap<String, u64>) {
    for entry in report["discarded_events"].as_array().into_iter().flatten() {
        let reason = entry["reason"].as_str().unwrap_or("?").to_owned();
        *losses.entry(reason).or_default() += entry["quantity"].as_u64().unwrap_or(0);
    }
}

fn plain(body: &[u8]) -> Vec<u8> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return body.to_vec();
    }
    let mut plain = Vec::new();
    let _ = MultiGzDecoder::new(body).read_to_end(&mut plain);
    plain
}
