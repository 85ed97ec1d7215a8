//! A server that takes envelopes of any length, and keeps nothing of them but what it has found out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::Value;

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// The length that it has announced.
    pub(crate) announced: u64,
    /// Whether it came as it was announced, and is an envelope.
    pub(crate) is_whole: bool,
    pub(crate) items: Vec<Item>,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) ty: String,
    pub(crate) filename: String,
    pub(crate) length: u64,
    /// Whether it is the file that it is compared with, byte by byte.
    pub(crate) is_same: bool,
}

/// What to do in the middle of the first long request.
pub(crate) type Meanwhile = Box<dyn Fn() + Send + Sync>;

struct Shared {
    /// What attachments are compared with.
    original: Option<PathBuf>,
    meanwhile: Mutex<Option<Meanwhile>>,
    /// How long every request waits for its answer.
    latency: Duration,
    received: Mutex<Vec<Received>>,
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// A request is long if it has more than this.
const LONG: u64 = 2 * 1024 * 1024;

impl Server {
    pub(crate) fn start(original: Option<PathBuf>, meanwhile: Option<Meanwhile>, latency: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            original,
            meanwhile: Mutex::new(meanwhile),
            latency,
            received: Mutex::default(),
        });
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&theirs);
                thread::spawn(move || while shared.serve(&connection).is_ok_and(|goes_on| goes_on) {});
            }
        });
        Self { address, shared }
    }

    pub(crate) fn dsn(&self) -> String {
        format!("http://key@{}/1", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The items of this type in envelopes that have arrived whole.
    pub(crate) fn items(&self, ty: &str) -> Vec<Item> {
        let whole = self.received().into_iter().filter(|received| received.is_whole);
        whole.flat_map(|received| received.items).filter(|item| item.ty == ty).collect()
    }
}

impl Shared {
    /// Reads and answers one request. `false`: there is none.
    fn serve(&self, connection: &TcpStream) -> io::Result<bool> {
        let mut reader = BufReader::with_capacity(64 * 1024, connection);
        let (mut length, mut gzip, mut first) = (0, false, true);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(false);
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() && !first {
                break;
            }
            first = false;
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            gzip |= line.starts_with("content-encoding:") && line.ends_with("gzip");
            assert!(!line.starts_with("transfer-encoding"), "lengths are known");
        }
        let mut received = Received { announced: length, ..Received::default() };
        let mut body = reader.by_ref().take(length);
        let read = if gzip {
            self.envelope(&mut BufReader::new(GzDecoder::new(&mut body)), &mut received)
        } else {
            self.envelope(&mut BufReader::with_capacity(64 * 1024, &mut body), &mut received)
        };
        received.is_whole = read.is_ok() && body.limit() == 0;
        let goes_on = received.is_whole;
        thread::sleep(self.latency);
        self.received.lock().unwrap().push(received);
        if goes_on {
            (&*connection).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")?;
        }
        Ok(goes_on)
    }

    fn envelope(&self, body: &mut impl BufRead, received: &mut Received) -> io::Result<()> {
        let mut line = Vec::new();
        body.read_until(b'\n', &mut line)?;
        serde_json::from_slice::<Value>(&line)?;
        loop {
            line.clear();
            if body.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let header: Value = serde_json::from_slice(&line)?;
            let text = |key: &str| header[key].as_str().unwrap_or_default().to_owned();
            let length = header["length"].as_u64().ok_or(io::ErrorKind::InvalidData)?;
            let mut item = Item { ty: text("type"), filename: text("filename"), length, is_same: false };
            item.is_same = self.payload(body, &item)?;
            received.items.push(item);
            let mut newline = [0];
            match body.read(&mut newline)? {
                1 if newline != *b"\n" => return Err(io::ErrorKind::InvalidData.into()),
                _ => {}
            }
        }
    }

    /// Reads a payload, piece by piece. Tells whether it is the original.
    fn payload(&self, body: &mut impl BufRead, item: &Item) -> io::Result<bool> {
        let original = self.original.as_ref().filter(|_| item.ty == "attachment");
        let mut original = original.map(File::open).transpose()?;
        let (mut left, mut is_same) = (item.length, original.is_some());
        let mut piece = vec![0; 64 * 1024];
        let mut expected = piece.clone();
        while left > 0 {
            if item.length - left > LONG
                && let Some(meanwhile) = self.meanwhile.lock().unwrap().take()
            {
                meanwhile();
            }
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let count = body.read(&mut piece[..most])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= count as u64;
            if let Some(original) = &mut original {
                is_same &= original.read_exact(&mut expected[..count]).is_ok()
                    && piece[..count] == expected[..count];
            }
        }
        Ok(is_same)
    }
}
