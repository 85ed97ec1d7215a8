//! A worker that has nothing to do does nothing: how often it looks is counted in every state it can wait in.

use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;

use super::*;

const WATCHED: Duration = Duration::from_millis(1_500);

/// Enough for an alarm or two, far from a loop.
const FEW: u64 = 12;

impl Rig {
    /// How often the worker looks while nothing happens to it.
    fn looks(&self) -> u64 {
        let looks = || self.transport.queue.shared().looks.load(Relaxed);
        // What was to do is done when there is nothing new for a while. One that never rests is not waited for.
        let mut before = (looks(), self.sender.bodies().len());
        for _ in 0..20 {
            sleep(Duration::from_millis(150));
            let now = (looks(), self.sender.bodies().len());
            if std::mem::replace(&mut before, now) == now {
                break;
            }
        }
        let before = looks();
        sleep(WATCHED);
        looks() - before
    }

    fn rests(&self, state: &str) {
        let looks = self.looks();
        assert!(looks <= FEW, "{state}: {looks} looks in {WATCHED:?}");
    }
}

#[test]
fn it_is_idle_after_its_work() {
    let rig = rig([]);
    rig.send("one");
    assert!(rig.transport.flush(LONG));
    assert_eq!(rig.looks(), 0);
}

#[test]
fn it_rests_while_a_batch_gathers_and_while_a_request_hangs() {
    let rig = rig([Reply::Hang]);
    rig.send("hangs");
    rig.transport.send(log(1));
    rig.rests("gathering");
}

#[test]
fn it_rests_while_the_gate_is_closed() {
    let asked = Response::new(503).with_header("Retry-After", "30");
    let rig = rig([Reply::Answer(asked)]);
    rig.send("unavailable");
    rig.transport.send(log(1));
    rig.sender.wait_for(1);
    rig.send("news");
    rig.recorder.record(Reason::BeforeSend, Category::Error, 1);
    rig.rests("closed");
    rig.transport.flush(Duration::ZERO);
    rig.rests("closed, after somebody has asked");
}

#[test]
fn it_rests_while_nobody_listens() {
    let rig = rig(vec![Reply::Refuse; 1_000]);
    (0..100).for_each(|index| rig.send(&format!("{index}")));
    rig.transport.flush(Duration::from_millis(300));
    rig.rests("refused");
}

#[test]
fn it_rests_while_every_request_hangs() {
    let rig = rig_with(vec![Reply::Hang; 2], |setup| setup.max_in_flight = NonZeroUsize::new(2));
    (0..50).for_each(|index| rig.send(&format!("{index}")));
    rig.recorder.record(Reason::BeforeSend, Category::Error, 1);
    rig.transport.flush(Duration::ZERO);
    rig.rests("full");
    (0..50).for_each(|index| rig.transport.send(log(index)));
    rig.rests("full, with logs behind");
}

#[test]
fn it_rests_while_updates_wait_for_one_before_them() {
    let rig = rig([Reply::Hang]);
    (0..20).for_each(|errors| rig.transport.send_envelope(session(errors)));
    rig.transport.flush(Duration::ZERO);
    rig.rests("behind");
}

#[test]
fn it_rests_while_everything_is_limited_and_losses_are_overdue() {
    let limited = Response::new(200).with_header("X-Sentry-Rate-Limits", "60::organization");
    let rig = rig_reporting([Reply::Answer(limited)], Duration::from_millis(400));
    rig.send("first");
    assert!(rig.transport.flush(LONG));
    (0..10).for_each(|_| rig.send("limited"));
    rig.rests("limited");
}

#[test]
fn it_rests_with_too_many_refused_by_a_proxy() {
    let rig = rig(std::iter::repeat_with(|| [answer(503), answer(200)]).flatten().take(4_000));
    (0..1_000).for_each(|index| rig.send(&format!("{index}")));
    rig.rests("held");
}

#[test]
fn it_rests_though_somebody_else_says_that_the_queue_is_unhealthy() {
    let rig = rig_with([], |setup| setup.backpressure = false);
    rig.send("one");
    assert!(rig.transport.flush(LONG));
    // The recorder may be shared with a transport that has the option on.
    rig.recorder.set_unhealthy(true);
    let next_check = Duration::from_secs(10);
    sleep(next_check);
    rig.send("two");
    assert!(rig.transport.flush(LONG));
    rig.rests("unhealthy");
}

#[test]
fn it_rests_while_a_close_waits() {
    let rig = rig(vec![Reply::Hang; 100]);
    (0..100).for_each(|index| rig.send(&format!("{index}")));
    std::thread::scope(|scope| {
        scope.spawn(|| rig.transport.shutdown(Duration::from_secs(3)));
        rig.rests("closing");
    });
    rig.settle();
    let stats = rig.recorder.stats();
    assert_eq!((stats.accepted, stats.dropped), (100, 100), "{stats:?}");
}
