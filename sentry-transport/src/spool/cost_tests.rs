//! What it costs. `cargo test --release -p sentry-transport --lib -- --ignored --nocapture cost`

use std::time::{Duration, Instant};

use sentry_core::{Durability, clock};

use super::store::tests::{Place, kill};
use super::store::{Limits, Spool};
use crate::store::{EntryId, Rank, Record, Store};

const COUNT: usize = 10_000;

fn write(spool: &mut Spool, bytes: &[u8], durability: Durability) -> EntryId {
    let record =
        Record { bytes, rank: Rank::Error, event_id: None, session: None, durability, is_held: false };
    spool.put(record, clock::now()).unwrap().id
}

fn report(what: &str, count: usize, begun: Instant) -> Duration {
    let each = begun.elapsed() / u32::try_from(count).unwrap();
    println!("{what:<44} {each:>10.1?} each, {:>7.0}/s", 1.0 / each.as_secs_f64());
    each
}

#[test]
#[ignore = "measures; run it alone and in release mode"]
fn cost_of_the_spool() {
    let place = Place::new("cost");
    let limits = Limits { items: 2 * COUNT, bytes: 1 << 30, age: Duration::from_secs(86_400) };
    let mut spool = place.open_with(limits);
    let bytes = vec![b'x'; 20_000];
    let begun = clock::instant();
    (0..1_000).for_each(|_| _ = write(&mut spool, &bytes, Durability::Process));
    let put = report("put 20 KB", 1_000, begun);
    let begun = clock::instant();
    (0..50).for_each(|_| _ = write(&mut spool, &bytes, Durability::Power));
    report("put 20 KB, synced", 50, begun);
    let begun = clock::instant();
    while let Some(entry) = spool.next(clock::now()) {
        spool.remove(entry.id);
    }
    let drained = report("next and remove 20 KB", 1_050, begun);

    let small = vec![b'x'; 200];
    let begun = clock::instant();
    (0..COUNT).for_each(|_| _ = write(&mut spool, &small, Durability::Process));
    report("put 200 B, up to 10,000 entries", COUNT, begun);
    let begun = clock::instant();
    for _ in 0..COUNT {
        let entry = spool.next(clock::now()).unwrap();
        spool.give_back(entry.id, clock::now());
    }
    report("next and give back, at 10,000 entries", COUNT, begun);
    let begun = clock::instant();
    for _ in 0..1_000_000 {
        std::hint::black_box(spool.is_empty());
    }
    report("is_empty, at 10,000 entries", 1_000_000, begun);
    kill(spool);

    let begun = clock::instant();
    let mut spool = place.open_with(limits);
    report("open", 1, begun);
    let begun = clock::instant();
    let first = spool.next(clock::now()).unwrap();
    report("first entry of 10,000 others have left", 1, begun);
    spool.remove(first.id);
    kill(spool);
    let mut spool = place.open_with(Limits { items: COUNT, ..limits });
    spool.expire(clock::now());
    let begun = clock::instant();
    (0..1_000).for_each(|_| _ = write(&mut spool, &small, Durability::Process));
    report("put 200 B and evict, at 10,000 entries", 1_000, begun);
    let begun = clock::instant();
    let mut count = 0;
    while let Some(entry) = spool.next(clock::now()) {
        spool.remove(entry.id);
        count += 1;
    }
    report("next and remove 200 B, from 10,000 entries", count, begun);
    if !cfg!(debug_assertions) {
        // Goals: 100 µs and 300 a second; room for a busy machine.
        assert!(put < Duration::from_micros(300) && drained < Duration::from_millis(3));
    }
}
