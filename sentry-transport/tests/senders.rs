//! What holds for a transport over any of the HTTP clients, with a queue in front of it.

use std::sync::Arc;
use std::time::Duration;

use ingest::{Reply, Server, Stalls};
use sentry_core::protocol::Event;
use sentry_core::{ClientOptions, Transport, TransportOptions, clock};
use sentry_transport::transports;

type Make = fn(TransportOptions) -> Arc<dyn Transport>;

const LONG: Duration = Duration::from_secs(30);

/// What a busy machine adds, besides its stalls.
const MARGIN: Duration = Duration::from_millis(400);

fn senders() -> Vec<(&'static str, Make)> {
    vec![
        #[cfg(feature = "reqwest")]
        ("reqwest", |options| Arc::new(transports::ReqwestHttpTransportOptions::from(options).build())),
        #[cfg(feature = "ureq")]
        ("ureq", |options| Arc::new(transports::UreqHttpTransportOptions::from(options).build())),
        #[cfg(feature = "curl")]
        ("curl", |options| Arc::new(transports::CurlHttpTransportOptions::from(options).build())),
        ("default", |options| {
            use sentry_core::TransportFactory;
            transports::DefaultTransportFactory.create_transport_with_options(options)
        }),
    ]
}

fn over(server: &Server, make: Make) -> Arc<dyn Transport> {
    let options = ClientOptions { dsn: server.dsn().parse().ok(), ..ClientOptions::default() };
    make(TransportOptions::try_from_client_options(&options).unwrap())
}

fn event(message: &str) -> Event<'static> {
    Event { message: Some(message.into()), ..Event::default() }
}

#[test]
fn a_burst_arrives_completely() {
    for (name, make) in senders() {
        let server = Server::start();
        let transport = over(&server, make);
        (0..500).for_each(|index| transport.send_envelope(event(&index.to_string()).into()));
        assert!(transport.flush(LONG), "{name}");
        assert_eq!(server.accepted_events().len(), 500, "{name}");
        assert!(transport.shutdown(LONG), "{name}");
        server.assert_clean();
    }
}

#[test]
fn a_hanging_server_holds_up_nobody() {
    for (name, make) in senders() {
        let server = Server::builder().otherwise(Reply::hang()).start();
        let transport = over(&server, make);
        (0..40).for_each(|index| transport.send_envelope(event(&index.to_string()).into()));
        let limit = Duration::from_millis(300);
        let in_time = |stalls: &Stalls, took: Duration| took < limit + MARGIN + stalls.total();
        let (stalls, start) = (Stalls::watch(), clock::instant());
        assert!(!transport.flush(limit), "{name}");
        let took = start.elapsed();
        assert!(in_time(&stalls, took), "{name}: {took:?}");
        // A blocking client has a thread for each.
        let connections = server.log().connections();
        assert!(connections <= 16 || name != "ureq" && name != "curl", "{name}: {connections}");
        let (stalls, start) = (Stalls::watch(), clock::instant());
        assert!(!transport.shutdown(limit), "{name}");
        let took = start.elapsed();
        assert!(in_time(&stalls, took), "{name}: {took:?}");
        server.allow_problems();
    }
}

#[test]
fn a_server_that_comes_back_gets_everything() {
    for (name, make) in senders() {
        let server = Server::builder().script([Reply::reset_after_body(), Reply::close_after_body()]).start();
        let transport = over(&server, make);
        (0..20).for_each(|index| transport.send_envelope(event(&index.to_string()).into()));
        assert!(transport.flush(LONG), "{name}");
        let mut ids: Vec<_> =
            server.accepted_events().iter().map(|event| event["event_id"].to_string()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 20, "{name}");
        server.allow_problems();
    }
}
