//! Name lookup and TCP, with the means of the standard library.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use sentry_core::options::Resolver;
use sentry_core::{ClientOptions, clock};

use super::deadline::Deadline;
use super::helper::{self, NoResult};
use super::proxy::Route;
use super::report::Row;

/// Addresses that are tried.
const MAX_ADDRESSES: usize = 4;

/// The rows, and the address a connection came about with.
pub(super) fn all(
    route: &Route,
    options: &ClientOptions,
    deadline: Deadline,
) -> (Vec<Row>, Option<SocketAddr>) {
    if let Route::Socket(path) = route {
        return (vec![Row::skipped("dns", "not needed"), socket(path, deadline.share(3))], None);
    }
    let Some((host, port)) = route.target() else {
        let why = "there is nothing to connect to";
        return (vec![Row::skipped("dns", why), Row::skipped("tcp", why)], None);
    };
    let (dns, addresses) = look_up(host, port, options.http.resolver.clone(), deadline.share(3));
    let (tcp, address) = connect(&addresses, deadline.share(2));
    (vec![dns, tcp], address)
}

fn look_up(host: &str, port: u16, resolver: Option<Resolver>, limit: Duration) -> (Row, Vec<SocketAddr>) {
    if let Ok(ip) = host.parse() {
        return (Row::skipped("dns", format!("{host} is an address")), vec![SocketAddr::new(ip, port)]);
    }
    let name = host.to_owned();
    // The system's lookup has no timeout of its own.
    let found = helper::run(limit, move || match resolver {
        Some(resolver) => {
            resolver(&name).map(|found| found.into_iter().map(|a| with_port(a, port)).collect::<Vec<_>>())
        }
        None => (name.as_str(), port).to_socket_addrs().map(Iterator::collect),
    });
    let fix = "check the host in the DSN, and the name servers of this machine or container";
    match found {
        Ok(Ok(addresses)) if !addresses.is_empty() => {
            let listed: Vec<_> = addresses.iter().take(MAX_ADDRESSES).map(|a| a.ip().to_string()).collect();
            (Row::ok("dns", format!("{host} is {}", listed.join(", "))), addresses)
        }
        Ok(Ok(_)) => (Row::fail("dns", format!("{host} has no address"), fix), Vec::new()),
        Ok(Err(error)) => (Row::fail("dns", format!("{host} is not known: {error}"), fix), Vec::new()),
        Err(NoResult::Late) => {
            let detail = format!("no answer about {host} within {limit:.1?}");
            (
                Row::fail("dns", detail, "make sure that the name servers of this machine can be reached"),
                Vec::new(),
            )
        }
        Err(why) => (Row::warn("dns", format!("the lookup {}", why.explain()), fix), Vec::new()),
    }
}

/// A resolver that does not care about ports leaves them at zero.
fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    if address.port() == 0 {
        address.set_port(port);
    }
    address
}

fn connect(addresses: &[SocketAddr], limit: Duration) -> (Row, Option<SocketAddr>) {
    let deadline = Deadline::after(limit);
    let addresses = &addresses[..addresses.len().min(MAX_ADDRESSES)];
    let mut failure = None;
    for (tried, address) in addresses.iter().enumerate() {
        let share = deadline.share((addresses.len() - tried) as u32);
        let started = clock::instant();
        // Zero is refused by the standard library.
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(_) => {
                let took = clock::instant().saturating_duration_since(started);
                return (Row::ok("tcp", format!("connected to {address} in {took:.1?}")), Some(*address));
            }
            Err(error) => failure = Some((address, error)),
        }
    }
    let row = match failure {
        None => Row::skipped("tcp", "there is no address to connect to"),
        Some((address, error)) => {
            Row::fail("tcp", format!("no connection to {address}: {error}"), advice(&error))
        }
    };
    (row, None)
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            "nobody listens there: start the server, or correct the port in the DSN"
        }
        ErrorKind::TimedOut => {
            "a firewall swallows the connection: allow it, or set https_proxy and http_proxy"
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            "there is no way to this network: check the connection, the VPN or the routes of this machine"
        }
        ErrorKind::PermissionDenied => "this process may not open connections: check its sandbox",
        _ => "check the network of this machine, and whether a proxy is needed",
    }
}

#[cfg(unix)]
fn socket(path: &Path, limit: Duration) -> Row {
    let theirs = path.to_owned();
    let shown = path.display();
    let fix = "start the Relay that listens there, or correct HttpOptions::unix_socket";
    match helper::run(limit, move || std::os::unix::net::UnixStream::connect(theirs).map(drop)) {
        Ok(Ok(())) => Row::ok("tcp", format!("connected to {shown}")),
        Ok(Err(error)) => Row::fail("tcp", format!("no connection to {shown}: {error}"), fix),
        Err(why) => Row::fail("tcp", format!("the connection to {shown} {}", why.explain()), fix),
    }
}

#[cfg(not(unix))]
fn socket(_path: &Path, _limit: Duration) -> Row {
    Row::fail(
        "tcp",
        "there are no unix sockets here",
        "leave HttpOptions::unix_socket unset on this platform",
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::{Arc, mpsc};

    use super::super::report::Status;
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_lookup_that_hangs_is_left_behind() {
        let (hold, held) = mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        let resolver: Resolver = Arc::new(move |_| {
            let _ = held.lock().map(|held| held.recv());
            Ok(Vec::new())
        });
        let (row, addresses) = look_up("host", 80, Some(resolver), Duration::from_millis(20));
        assert_eq!((row.status, addresses.len()), (Status::Fail, 0));
        assert!(row.detail.contains("no answer"), "{row:?}");
        drop(hold);
    }

    #[test]
    fn a_resolver_of_the_application_is_asked() {
        let resolver: Resolver = Arc::new(|_| Ok(vec![(Ipv4Addr::LOCALHOST, 0).into()]));
        let (row, addresses) = look_up("host", 81, Some(resolver), LONG);
        assert_eq!((row.status, &addresses[..]), (Status::Ok, &[(Ipv4Addr::LOCALHOST, 81).into()][..]));
    }

    #[test]
    fn the_addresses_are_tried_one_after_the_other() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let open = listener.local_addr().unwrap();
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let (row, address) = connect(&[closed, open], LONG);
        assert_eq!((row.status, address), (Status::Ok, Some(open)), "{row:?}");
        let (row, address) = connect(&[closed], LONG);
        assert_eq!((row.status, address), (Status::Fail, None), "{row:?}");
        assert!(row.fix.unwrap().contains("port"));
        assert_eq!(connect(&[], LONG).0.status, Status::Skipped);
    }
}
