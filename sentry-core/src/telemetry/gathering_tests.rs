use std::sync::atomic::AtomicBool;

use super::*;

fn texts(gathering: &Gathering, is_last: bool) -> Vec<(usize, String)> {
    let mut sent = Vec::new();
    gathering.send_all(is_last, false, |(batch, _)| {
        sent.push((batch.records(), String::from_utf8(batch.json().to_vec()).unwrap()));
    });
    sent
}

fn add(gathering: &Gathering, json: &str) -> Added {
    gathering.add(TelemetryKind::Log, SystemTime::UNIX_EPOCH, |out, _| out.extend_from_slice(json.as_bytes()))
}

#[test]
fn records_wait_side_by_side_and_only_the_first_is_announced() {
    let gathering = Gathering::default();
    assert!(matches!(add(&gathering, "1"), Added::First));
    assert!(matches!(add(&gathering, "2"), Added::Waits));
    let _ = gathering.add(TelemetryKind::Metric, SystemTime::UNIX_EPOCH, |out, _| out.push(b'm'));
    assert_eq!(gathering.len(), 3);
    assert_eq!(texts(&gathering, false), [(2, "1,2".to_owned()), (1, "m".to_owned())]);
    assert_eq!((gathering.len(), texts(&gathering, false)), (0, vec![]));
    assert!(matches!(add(&gathering, "3"), Added::First));
}

#[test]
fn a_batch_is_full_by_number_or_by_bytes() {
    let gathering = Gathering::default();
    for _ in 1..MAX_RECORDS {
        assert!(!matches!(add(&gathering, "1"), Added::Full(_)));
    }
    assert!(matches!(add(&gathering, "1"), Added::Full(None)));
    assert!(matches!(add(&gathering, &"x".repeat(FULL)), Added::Full(None)));
    let mut sizes = Vec::new();
    gathering.send_full(|(batch, _)| sizes.push((batch.records(), batch.json().len())));
    assert_eq!(sizes, [(100, 199), (1, FULL)]);
}

#[test]
fn what_is_too_late_is_not_taken() {
    let gathering = Gathering::default();
    let _ = add(&gathering, "1");
    assert_eq!(texts(&gathering, true).len(), 1);
    assert!(matches!(add(&gathering, "2"), Added::Closed));
    assert_eq!(gathering.len(), 0);
}

#[test]
fn losses_are_those_of_the_records_alone() {
    let gathering = Gathering::default();
    for json in ["12", "345", "6"] {
        let _ = add(&gathering, json);
    }
    gathering.send_all(false, false, |(batch, _)| {
        let losses: Vec<_> = batch.losses().iter().map(|loss| loss.quantity).collect();
        assert_eq!(losses, [3, 6]);
    });
}

#[test]
fn nobody_waits_for_a_thread_that_sends() {
    let gathering = Gathering::default();
    let mut sent = 0;
    let _ = add(&gathering, "1");
    gathering.send_all(false, false, |_| {
        sent += 1;
        if sent == 1 {
            // As a callback of the application might, that hears of a loss.
            let _ = add(&gathering, "2");
            gathering.send_full(|_| unreachable!());
            gathering.send_all(false, true, |_| unreachable!());
            assert_eq!(gathering.len(), 1);
        }
    });
    assert_eq!((sent, gathering.len()), (2, 0), "whoever sends takes all");
}

#[test]
fn batches_are_bounded_when_the_thread_that_sends_does_not_get_on() {
    let gathering = Gathering::default();
    let _ = add(&gathering, "first");
    let mut lost = 0;
    gathering.send_all(false, false, |(batch, _)| {
        if batch.records() > 1 || lost > 0 {
            return;
        }
        for _ in 0..(MAX_READY + 3) * MAX_RECORDS as usize {
            if let Added::Full(Some(batch)) = add(&gathering, "1") {
                lost += batch.records();
            }
        }
    });
    assert_eq!(lost, 300);
}

#[test]
fn flushes_add_no_more_than_fits_when_the_thread_that_sends_does_not_get_on() {
    let gathering = Gathering::default();
    let _ = add(&gathering, "first");
    let (mut lost, mut is_first) = (0, true);
    gathering.send_all(false, false, |_| {
        if mem::take(&mut is_first) {
            for _ in 0..MAX_READY + 3 {
                let _ = add(&gathering, "1");
                lost += gathering.send_all(false, true, |_| unreachable!()).len();
            }
            assert_eq!(gathering.len(), MAX_READY as u64);
        }
    });
    assert_eq!((lost, gathering.len()), (3, 0));
}

#[test]
fn each_thread_keeps_its_order() {
    let gathering = Gathering::default();
    let seen = Mutex::new(Vec::new());
    let (done, lost) = (AtomicBool::new(false), AtomicUsize::new(0));
    // Where the thread that sends has no processor for long.
    let lose = |batch: &Telemetry| _ = lost.fetch_add(batch.records(), Ordering::SeqCst);
    let send = |(batch, _): Leaving| {
        let mut seen = seen.lock().unwrap();
        seen.extend(String::from_utf8(batch.json().to_vec()).unwrap().split(',').map(str::to_owned));
    };
    thread::scope(|scope| {
        let writers: Vec<_> = (0..10)
            .map(|writer| {
                let (gathering, send, lose) = (&gathering, &send, &lose);
                scope.spawn(move || {
                    for number in 0..2_000 {
                        let added = add(gathering, &format!("{writer}:{number}"));
                        if let Added::Full(dropped) = added {
                            dropped.as_deref().into_iter().for_each(lose);
                            gathering.send_full(send);
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                gathering.send_all(false, false, send).iter().for_each(lose);
                thread::yield_now();
            }
        });
        let ended: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::SeqCst);
        ended.into_iter().for_each(|writer| writer.unwrap());
    });
    gathering.send_all(true, false, send).iter().for_each(lose);
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len() + lost.load(Ordering::SeqCst), 20_000);
    let mut next = [0; 10];
    for record in seen {
        let (writer, number) = record.split_once(':').unwrap();
        let writer: usize = writer.parse().unwrap();
        let number: u32 = number.parse().unwrap();
        assert!(number >= next[writer], "{number} after {}", next[writer]);
        next[writer] = number + 1;
    }
}
