//! Every accepted item ends in exactly one way, whatever mixture of faults the server is.

use std::collections::BTreeSet;
use std::time::Duration;

use ingest::{Reply, Server, Stalls};
use sentry_core::Transport;
use sentry_core::protocol::client_report::{Category, Item};

use crate::rig::{LONG, Rig, now};

/// A small generator: the same faults for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// `patient`: only what does not make the transport wait for seconds.
    fn reply(&mut self, patient: bool) -> Reply {
        match self.below(20) {
            0 => Reply::status(500),
            1 => Reply::status(400),
            2 if !patient => Reply::status(503),
            3 => Reply::reset(),
            4 => Reply::close_after_body(),
            5 if !patient => Reply::garbage(),
            6 => Reply::status(429).header("X-Sentry-Rate-Limits", "1:session:key"),
            7 => Reply::ok().closing(),
            8 if !patient => Reply::hang(),
            9 => Reply::drip(Duration::from_millis(1)),
            _ => Reply::ok().after(Duration::from_millis(self.below(20))),
        }
    }
}

/// What became of the events of one run.
#[derive(Debug)]
struct Account {
    sent: u64,
    delivered: u64,
    limited: u64,
    lost: u64,
    complete: bool,
}

impl Account {
    fn answered(&self) -> u64 {
        self.delivered + self.limited + self.lost
    }
}

/// Sends events into a mixture of faults and shuts down.
fn run(seed: u64, sent: u64, timeout: Duration, patient: bool) -> Account {
    let mut random = Random(seed);
    let server = Server::start();
    server.allow_problems();
    server.script((0..sent).map(|_| random.reply(patient)));
    let rig = Rig::new(&server);
    for index in 0..sent {
        rig.send(&format!("event {index}"));
        if random.below(40) == 0 {
            rig.transport.flush(Duration::from_millis(random.below(60)));
        }
    }
    let (stalls, start) = (Stalls::watch(), now());
    let complete = rig.transport.shutdown(timeout);
    let took = start.elapsed();
    let limit = timeout + Duration::from_millis(200) + stalls.total();
    assert!(took <= limit, "seed {seed}: {took:?} of {limit:?}");

    // The worker that was cut off books what it could not send as soon as it gets to run: wait for it on a busy machine.
    let end = now() + LONG;
    let mut account = read(&server, &rig, sent, complete);
    while account.answered() < sent && now() < end {
        std::thread::sleep(Duration::from_millis(5));
        account = read(&server, &rig, sent, complete);
    }
    account
}

/// What the server and the books say now.
fn read(server: &Server, rig: &Rig, sent: u64, complete: bool) -> Account {
    let log = server.log();
    let delivered: BTreeSet<_> =
        server.accepted_events().iter().map(|event| event["event_id"].to_string()).collect();
    let limited = log.requests().iter().filter(|request| request.status == Some(429));
    let limited = limited.filter(|request| String::from_utf8_lossy(&request.body).contains("event_id"));
    let totals = rig.recorder.totals();
    let errors = totals.iter().filter(|item| item.category() == Category::Error);
    Account {
        sent,
        delivered: delivered.len() as u64,
        limited: limited.count() as u64,
        lost: errors.map(Item::quantity).sum(),
        complete,
    }
}

#[test]
fn the_accounts_balance_exactly_when_there_is_time_for_everything() {
    for seed in [1, 0xfeed, 0x5e17] {
        let account = run(seed, 120, LONG, true);
        println!("seed {seed}: {account:?}");
        assert!(account.complete, "seed {seed}: {account:?}");
        assert_eq!(account.answered(), account.sent, "seed {seed}: {account:?}");
    }
}

#[test]
fn the_accounts_balance_when_the_deadline_cuts_in() {
    for seed in 1..=24 {
        let account = run(seed * 0x9e37_79b9, 150, Duration::from_millis(20 * seed), false);
        println!("seed {seed}: {account:?}");
        // What is cut off at the deadline may have arrived and is counted all the same: as much as may be under way.
        let range = account.sent..=account.sent + 72;
        assert!(range.contains(&account.answered()), "seed {seed}: {account:?}");
    }
}
