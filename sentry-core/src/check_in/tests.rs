use std::future::{Future as _, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use super::*;
use crate::protocol::{EnvelopeItem, MonitorCheckIn, MonitorCheckInStatus, MonitorSchedule};
use crate::test::with_captured_envelopes_options;
use crate::types::Uuid;
use crate::{ClientOptions, Hub, capture_check_in};

fn told(options: ClientOptions, run: impl FnOnce()) -> Vec<MonitorCheckIn> {
    let envelopes = with_captured_envelopes_options(run, options);
    let check_in = |item: &EnvelopeItem| match item {
        EnvelopeItem::MonitorCheckIn(check_in) => Some(check_in.clone()),
        _ => None,
    };
    envelopes.iter().flat_map(|envelope| envelope.items().filter_map(check_in).collect::<Vec<_>>()).collect()
}

fn options() -> ClientOptions {
    ClientOptions::new().release("app@1").environment("test")
}

fn statuses(told: &[MonitorCheckIn]) -> Vec<MonitorCheckInStatus> {
    told.iter().map(|check_in| check_in.status).collect()
}

use MonitorCheckInStatus::{Error, InProgress, Ok as Well};

#[test]
fn a_run_tells_its_beginning_and_its_end() {
    let schedule = MonitorSchedule::from_crontab("0 3 * * *").unwrap();
    let told = told(options(), || Monitor::new("job").schedule(schedule.clone()).run(|| ()));
    assert_eq!(statuses(&told), [InProgress, Well]);
    assert_eq!(told[0].check_in_id, told[1].check_in_id);
    assert_eq!((told[0].duration, told[1].duration.is_some()), (None, true));
    assert_eq!(told[0].monitor_config.as_ref().unwrap().schedule, schedule);
    assert_eq!(told[1].monitor_config, None);
    assert_eq!(told[0].environment.as_deref(), Some("test"));
}

#[test]
fn errors_panics_and_lost_runs_have_failed() {
    let told = told(options(), || {
        let monitor = Monitor::new("job");
        let _ = monitor.run(|| Err::<(), _>("no"));
        let _ = catch_unwind(AssertUnwindSafe(|| monitor.run(|| -> () { panic!("as ordered") })));
        drop(monitor.start());
        assert!(!monitor.run(|| false));
    });
    assert_eq!(statuses(&told), [InProgress, Error].repeat(4));
}

#[test]
fn a_future_is_watched_until_it_is_ready_or_dropped() {
    let mut context = Context::from_waker(Waker::noop());
    let told = told(options(), || {
        let monitor = Monitor::new("job");
        assert!(pin!(monitor.watch(ready(()))).poll(&mut context).is_ready());
        let mut cancelled = Box::pin(monitor.watch(pending::<()>()));
        assert!(cancelled.as_mut().poll(&mut context).is_pending());
        drop(cancelled);
        drop(monitor.watch(ready(())));
    });
    assert_eq!(statuses(&told), [InProgress, Well, InProgress, Error]);
}

#[test]
fn a_check_in_of_ones_own_is_sent_as_it_is() {
    let check_in = MonitorCheckIn {
        check_in_id: Uuid::nil(),
        monitor_slug: "job".into(),
        status: Well,
        environment: Some("mine".into()),
        duration: Some(1.5),
        monitor_config: None,
    };
    let told = told(options(), || {
        assert!(capture_check_in(check_in.clone()).is_nil(), "nil is for the latest run");
        assert!(!Monitor::new("beat").heartbeat(true).is_nil());
    });
    assert_eq!(told[0], check_in);
    assert_eq!((&*told[1].monitor_slug, &told[1].status), ("beat", &Well));
}

#[test]
fn a_callback_may_drop_and_is_counted() {
    let options =
        options().before_send_check_in(|check_in| (check_in.status != InProgress).then_some(check_in));
    let recorder = options.client_report_recorder.clone();
    let told = told(options, || Monitor::new("job").run(|| ()));
    assert_eq!(statuses(&told), [Well]);
    assert_eq!(recorder.totals().len(), 1);
}

#[test]
fn release_and_trace_are_on_the_wire() {
    let (client, raw) = raw_client();
    let mut scope = crate::Scope::default();
    scope.set_tag("a", "b");
    client.capture_check_in(
        MonitorCheckIn {
            check_in_id: Uuid::from_u128(7),
            monitor_slug: "job".into(),
            status: Well,
            environment: None,
            duration: None,
            monitor_config: None,
        },
        &scope,
    );
    let payload = &payloads(&raw)[0];
    assert_eq!(payload["release"], "app@1");
    assert_eq!(payload["check_in_id"], "00000000000000000000000000000007");
}

#[test]
fn whoever_looks_after_a_monitor_is_told_with_its_config() {
    let (client, raw) = raw_client();
    let hub = Arc::new(Hub::new(Some(Arc::new(client)), Arc::default()));
    let schedule = MonitorSchedule::from_crontab("@daily").unwrap();
    let monitor = Monitor::new("job").schedule(schedule).owner("team:billing");
    Hub::run(hub, || monitor.run(|| ()));
    let [begun, ended] = &payloads(&raw)[..] else { panic!("two check-ins") };
    assert_eq!(begun["monitor_config"]["owner"], "team:billing");
    assert_eq!(begun["monitor_config"]["schedule"]["value"], "@daily");
    assert!(begun["contexts"]["trace"]["trace_id"].is_string() && ended["monitor_config"].is_null());
}

#[test]
fn a_closure_needs_no_more_than_a_slug() {
    let told = told(options(), || assert!(!with_monitor("job", || false)));
    assert_eq!(statuses(&told), [InProgress, Error]);
}

type Written = Arc<Mutex<Vec<u8>>>;

/// A client whose envelopes are kept as bytes.
fn raw_client() -> (crate::Client, Written) {
    struct Raw(Written);
    impl crate::Transport for Raw {
        fn send_envelope(&self, envelope: crate::protocol::Envelope) {
            envelope.to_writer(&mut *self.0.lock().unwrap()).unwrap();
        }
    }
    let raw = Written::default();
    let options = ClientOptions { dsn: "http://public@127.0.0.1/1".parse().ok(), ..options() }
        .transport(Arc::new(Raw(Arc::clone(&raw))));
    (crate::Client::from(options), raw)
}

fn payloads(raw: &Written) -> Vec<serde_json::Value> {
    let text = String::from_utf8(raw.lock().unwrap().clone()).unwrap();
    let payloads = text.lines().filter(|line| line.contains("check_in_id"));
    payloads.map(|line| serde_json::from_str(line).unwrap()).collect()
}
