//! The process that is answered, and the one that answers as seen from there.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Mode;

/// What a request says.
#[derive(Clone, Copy)]
pub enum Kind {
    Browser,
    Wrk,
}

impl Kind {
    fn text(self, port: u16) -> String {
        let more = match self {
            Self::Wrk => "",
            Self::Browser => concat!(
                "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n",
                "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n",
                "Accept-Language: en-US,en;q=0.5\r\n",
                "Accept-Encoding: gzip, deflate, br, zstd\r\n",
                "Connection: keep-alive\r\n",
                "Cookie: theme=dark; session=0123456789abcdef\r\n",
                "Sec-Fetch-Dest: document\r\n",
                "Sec-Fetch-Mode: navigate\r\n",
                "Sec-Fetch-Site: none\r\n",
            ),
        };
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n")
    }
}

/// A server of ours in a process of its own.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts it by way of `command`, which may be somebody who looks over its shoulder.
    pub fn start(mut command: Command, mode: &Mode) -> Option<Self> {
        command.args(["axum-server", mode.name]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut()?).read_line(&mut line).ok()?;
        let port = line.trim().parse().ok()?;
        Some(Self { child, port })
    }

    /// Sends requests over one connection, each after the answer to the one before.
    pub fn request(&self, kind: Kind, times: u32) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket option");
        let (request, mut answer) = (kind.text(self.port), [0; 4096]);
        for _ in 0..times {
            stream.write_all(request.as_bytes()).expect("it reads");
            let mut length = 0;
            while !answer[..length].ends_with(b"Hello, World!") {
                let read = stream.read(&mut answer[length..]).expect("it answers");
                assert_ne!(read, 0, "it answers with what is expected");
                length += read;
            }
        }
    }

    /// Ends it and returns what it has written to its standard error.
    pub fn stop(self) -> String {
        // Its standard input is closed by this.
        let output = self.child.wait_with_output().expect("it ends");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}
