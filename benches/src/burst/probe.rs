//! How fast the server of the bench is by itself: it must not be what is measured.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use super::compare::Receiver;

const CONNECTIONS: usize = 8;
const REQUESTS: usize = 25_000;

/// `burst-probe`; prints requests a second over keep-alive connections.
pub fn probe() {
    let receiver = Receiver::start(0);
    let address = receiver.address.clone();
    let start = Instant::now();
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let address = address.clone();
            thread::spawn(move || ask(&address))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    let rate = (CONNECTIONS * REQUESTS) as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} requests/s over {CONNECTIONS} connections, client on the same machine");
    println!("{:?}", receiver.finish());
}

fn ask(address: &str) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let mut request = b"POST /api/42/envelope/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".to_vec();
    request.resize(request.len() + 1_000, b'x');
    let mut answer = [0; 40];
    for _ in 0..REQUESTS {
        stream.write_all(&request).expect("room");
        stream.read_exact(&mut answer).expect("an answer");
    }
}
