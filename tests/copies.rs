//! `also_send_to`: everything to several servers, none of which holds up another.

#![cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::{Reply, Server, Stalls};
use sentry::protocol::client_report::Reason;
use sentry::test::TestTransport;
use sentry::transports::FnSender;
use sentry::{Client, ClientOptions, Hub, Level};

const LONG: Duration = Duration::from_secs(30);
/// What a wait for a dead server may take; it ends 50 ms later at most.
const SHORT: Duration = Duration::from_millis(600);
const MARGIN: Duration = Duration::from_millis(50);

fn run(options: ClientOptions, f: impl FnOnce()) -> Arc<Client> {
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Hub::run(hub, f);
    client
}

fn to(servers: &[&Server]) -> ClientOptions {
    let (first, others) = servers.split_first().unwrap();
    let options = ClientOptions::new().dsn(&first.dsn());
    others.iter().fold(options, |options, other| options.also_send_to(other.dsn().parse().unwrap()))
}

fn capture(count: usize) {
    (0..count).for_each(|n| _ = sentry::capture_message(&format!("message {n}"), Level::Info));
}

fn lost(client: &Client) -> Vec<(Reason, u64)> {
    let totals = client.options().client_report_recorder.totals();
    totals.iter().map(|item| (item.reason(), item.quantity())).collect()
}

fn reported(server: &Server) -> u64 {
    let reports = server.items("client_report");
    let entries =
        reports.iter().flat_map(|item| item.json()["discarded_events"].as_array().cloned().unwrap());
    entries.filter_map(|entry| entry["quantity"].as_u64()).sum()
}

#[expect(clippy::disallowed_methods, reason = "tests measure time")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn every_server_gets_everything_under_its_own_dsn() {
    let servers = [Server::start(), Server::start(), Server::start()];
    let client = run(to(&servers.each_ref()), || capture(100));
    assert!(client.flush(Some(LONG)));
    let ids = |server: &Server| {
        let mut ids: Vec<_> = server.events().iter().map(|event| event["event_id"].to_string()).collect();
        ids.sort();
        ids
    };
    for server in &servers {
        assert_eq!(server.events().len(), 100);
        assert_eq!(ids(server), ids(&servers[0]));
        assert_eq!(server.envelopes()[0].headers["dsn"], server.dsn());
        server.assert_clean();
    }
    assert!(client.close(Some(LONG)));
    assert!(!client.is_enabled());
}

#[test]
fn a_limit_of_one_server_is_its_own() {
    let (limited, free) = (Server::start(), Server::start());
    limited.script([Reply::status(429).header("Retry-After", "600")]);
    let client = run(to(&[&limited, &free]), || {
        capture(1);
        assert!(Hub::current().client().unwrap().flush(Some(LONG)));
        capture(20);
    });
    assert!(client.close(Some(LONG)));
    assert_eq!(free.events().len(), 21);
    assert_eq!(limited.events().len(), 1, "the one that was answered with the limit");
    assert_eq!(lost(&client), [(Reason::RatelimitBackoff, 20)]);
    assert_eq!(reported(&free), 0, "not the business of another server");
}

#[test]
fn a_loss_on_the_way_to_a_copy_is_reported_there_and_counted_nowhere_else() {
    let (first, limited) = (Server::start(), Server::start());
    limited.script([Reply::ok().header("X-Sentry-Rate-Limits", "600:error:organization")]);
    let client = run(to(&[&first, &limited]), || {
        capture(1);
        assert!(Hub::current().client().unwrap().flush(Some(LONG)));
        capture(20);
    });
    assert!(client.close(Some(LONG)));
    assert_eq!(first.events().len(), 21);
    assert_eq!((limited.events().len(), reported(&limited)), (1, 20));
    assert_eq!((lost(&client), reported(&first)), (vec![], 0));
}

#[test]
fn a_dead_server_starves_no_other_whichever_it_is() {
    for dead_first in [true, false] {
        let hangs = Server::builder().otherwise(Reply::hang()).start();
        let alive = Server::start();
        let servers = if dead_first { [&hangs, &alive] } else { [&alive, &hangs] };
        let client = run(to(&servers), || capture(200));

        let (stalls, start) = (Stalls::watch(), now());
        assert!(!client.flush(Some(SHORT)));
        let took = start.elapsed();
        assert!(took < SHORT + MARGIN + stalls.total(), "{took:?}");
        // Everything may still be on its way on a busy machine; nothing may wait for the dead one.
        assert_eq!(alive.wait_for_events(200, LONG).len(), 200);

        let (stalls, start) = (Stalls::watch(), now());
        assert!(!client.close(Some(SHORT)));
        let took = start.elapsed();
        assert!(took < SHORT + MARGIN + stalls.total(), "{took:?}");
        // On a busy machine the worker may still be counting what was under way.
        let expected = if dead_first { 200 } else { 0 };
        let counted = || lost(&client).iter().map(|(_, quantity)| quantity).sum::<u64>();
        let patience = now() + Duration::from_secs(5);
        while counted() != expected && now() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(counted(), expected);
        hangs.allow_problems();
    }
}

#[test]
fn copies_go_the_way_of_the_application_but_not_twice_the_same_way() {
    let (seen, urls) = std::sync::mpsc::channel();
    let sender = FnSender::new(move |request: sentry::transports::Request| {
        let _ = seen.send(request.url().to_owned());
        sentry::transports::Response::new(200)
    });
    let other = "http://public@other.invalid/7".parse().unwrap();
    let options = ClientOptions::new().dsn("http://public@first.invalid/1").also_send_to(other);
    let client = run(options.clone().transport(sender), || capture(1));
    assert!(client.close(Some(LONG)));
    drop(client);
    let mut urls: Vec<_> = urls.iter().collect();
    urls.sort();
    assert_eq!(urls, ["http://first.invalid/api/1/envelope/", "http://other.invalid/api/7/envelope/"]);

    // A transport that does not care for DSNs is one destination.
    let one = TestTransport::new();
    run(options.transport(Arc::clone(&one)), || capture(3));
    assert_eq!(one.fetch_and_clear_envelopes().len(), 3);
}

#[test]
fn applied_twice_the_defaults_make_no_more_copies() {
    let servers = [Server::start(), Server::start()];
    let options = sentry::apply_defaults(to(&servers.each_ref()).default_integrations(false));
    assert!(run(options, || capture(1)).close(Some(LONG)));
    assert_eq!(servers.map(|server| server.events().len()), [1, 1]);
}

#[test]
fn without_a_dsn_nothing_is_copied() {
    let server = Server::start();
    let options = ClientOptions::new().also_send_to(server.dsn().parse().unwrap());
    assert!(!run(options, || capture(1)).is_enabled());
    assert_eq!(server.log().attempts(), 0);
}
