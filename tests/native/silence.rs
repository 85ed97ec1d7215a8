//! A server that says nothing: the process dies a little later, and the next start reports the crash (reliability goal 11).

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use ingest::{Reply, Server};

use crate::cache::Cache;
use crate::crashing::run;
use crate::ways::succeed;
use crate::{is_long, is_wanted, path, repeats, together};

/// How much later it may die.
const LATER: Duration = Duration::from_millis(3_100);

pub(crate) fn check(program: &Path) {
    if !is_wanted("silence") {
        return;
    }
    for (name, way) in [
        ("never answers", Way::Answer(Reply::hang)),
        ("never reads", Way::Answer(Reply::blackhole)),
        ("cannot be reached", Way::Full),
    ] {
        let times = repeats().div_ceil(5);
        // Who fills ports takes many, and others would not get back those that they have left.
        let at_a_time = if matches!(way, Way::Full) { 1 } else { 4 };
        let mut later = together(times, at_a_time, || dies_in_time(program, way));
        later.sort_unstable();
        let most = later.last().copied().unwrap_or_default();
        println!("a server that {name}: {times} processes died {:?} to {most:?} later", later[0]);
        // Elsewhere other processes take their time too.
        assert!(!is_long() || most <= LATER, "{name}: {later:?}");
    }
}

/// How much later than without the SDK the process dies.
fn dies_in_time(program: &Path, way: Way) -> Duration {
    let (cache, (server, full)) = (Cache::new("native-silence"), silent(way));
    let bare = run(program, &["-", "-", "null-write", "main", ""]);
    let died = run(program, &[&server.dsn(), path(&cache), "null-write", "main", ""]);
    assert_eq!(died.status, bare.status);
    assert_eq!(died.error, bare.error);
    if full.is_some() {
        drop(full);
        server.resume();
    }
    server.otherwise(Reply::ok());
    server.clear();
    succeed(program, &server.dsn(), &cache);
    assert_eq!(server.wait_for_events(1, Duration::from_secs(5)).len(), 1);
    died.took.saturating_sub(bare.took)
}

/// A server that is silent so far.
fn silent(way: Way) -> (Server, Option<Full>) {
    loop {
        let server = Server::start();
        match way {
            Way::Answer(reply) => {
                server.otherwise(reply());
                return (server, None);
            }
            Way::Full => server.refuse(),
        }
        // Somebody else may have taken the port meanwhile.
        if let Some(full) = Full::at(server.addr()) {
            return (server, Some(full));
        }
    }
}

/// How the server is silent.
#[derive(Clone, Copy)]
enum Way {
    Answer(fn() -> Reply),
    /// It accepts nobody, and has no room for anybody who waits to be accepted.
    Full,
}

/// Keeps a port full.
struct Full {
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Full {
    fn at(address: SocketAddr) -> Option<Self> {
        let listener = TcpListener::bind(address).ok()?;
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
        // As many as the kernel lets wait; the next one hears nothing.
        let waiting = std::iter::from_fn(connect).collect();
        Some(Self { _listener: listener, _waiting: waiting })
    }
}
