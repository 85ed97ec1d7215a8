use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::envelope::EnvelopeItem;
use crate::protocol::{Envelope, Event, Exception, Mechanism, SessionStatus, SessionUpdate, User};
use crate::test::with_captured_envelopes_options;
use crate::{Class, ClientOptions, Hub, Level, SessionMode, capture_error, capture_event, capture_message};

fn options() -> ClientOptions {
    ClientOptions::new().release("app@1.2.3").environment("test")
}

fn sent(options: ClientOptions, run: impl FnOnce()) -> Vec<Envelope> {
    with_captured_envelopes_options(run, options)
}

fn updates(envelopes: &[Envelope]) -> Vec<SessionUpdate<'static>> {
    let update = |item: &EnvelopeItem| match item {
        EnvelopeItem::SessionUpdate(update) => Some(update.clone()),
        _ => None,
    };
    envelopes.iter().flat_map(Envelope::items).filter_map(update).collect()
}

/// Session items as they are on the wire.
fn on_the_wire(envelopes: &[Envelope]) -> Vec<Value> {
    let mut bytes = Vec::new();
    for envelope in envelopes {
        envelope.to_writer(&mut bytes).unwrap();
        bytes.push(b'\n');
    }
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let is_session = |header: &str| header.contains("\"type\":\"session");
    lines
        .windows(2)
        .filter(|pair| is_session(pair[0]))
        .map(|pair| serde_json::from_str(pair[1]).unwrap())
        .collect()
}

fn error() -> std::num::ParseIntError {
    "x".parse::<u8>().unwrap_err()
}

fn unhandled() -> Event<'static> {
    let mechanism = Mechanism { handled: Some(false), ..Mechanism::default() };
    let exception = Exception { ty: "E".into(), mechanism: Some(mechanism), ..Exception::default() };
    Event { exception: vec![exception].into(), ..Event::default() }
}

/// The parts of an update that the machine decides on.
fn course(updates: &[SessionUpdate<'static>]) -> Vec<(bool, SessionStatus, u64)> {
    updates.iter().map(|update| (update.init, update.status, update.errors)).collect()
}

#[test]
fn a_session_without_errors_is_told_once() {
    let envelopes = sent(options(), || {
        crate::configure_scope(|scope| {
            scope.set_user(Some(User { id: Some("7".into()), email: Some("a@b".into()), ..User::default() }));
        });
        crate::start_session();
        crate::end_session();
    });
    let updates = updates(&envelopes);
    assert_eq!(course(&updates), [(true, SessionStatus::Exited, 0)]);
    assert_eq!(updates[0].distinct_id.as_deref(), Some("7"));
    assert_eq!(updates[0].attributes.environment.as_deref(), Some("test"));
    assert!(updates[0].duration.is_some());
}

#[test]
fn nothing_happens_without_a_release() {
    let envelopes = sent(ClientOptions::new(), || {
        crate::start_session();
        capture_error(&error());
        crate::end_session();
    });
    assert_eq!(envelopes.len(), 1);
    assert!(updates(&envelopes).is_empty());
}

#[test]
fn an_update_rides_with_each_error() {
    let envelopes = sent(options(), || {
        crate::start_session();
        capture_error(&error());
        capture_error(&error());
        crate::end_session();
    });
    let items = |envelope: &Envelope| {
        envelope.items().map(|item| matches!(item, EnvelopeItem::Event(_))).collect::<Vec<_>>()
    };
    assert_eq!(
        envelopes.iter().map(items).collect::<Vec<_>>(),
        [vec![true, false], vec![true, false], vec![false]]
    );
    let updates = updates(&envelopes);
    let (ok, exited) = (SessionStatus::Ok, SessionStatus::Exited);
    assert_eq!(course(&updates), [(true, ok, 1), (false, ok, 2), (false, exited, 2)]);
    let sequences: Vec<_> = updates.iter().map(|update| update.sequence.unwrap()).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
}

#[test]
fn messages_and_warnings_do_not_count() {
    let envelopes = sent(options(), || {
        crate::start_session();
        capture_message("down", Level::Fatal);
        capture_event(Event { level: Level::Warning, ..Event::default() });
        crate::end_session();
    });
    assert_eq!(course(&updates(&envelopes)), [(true, SessionStatus::Exited, 0)]);
}

#[test]
fn messages_do_not_count_where_a_callback_looks_at_them() {
    let options = options().before_send(Some);
    let envelopes = sent(options, || {
        crate::start_session();
        capture_message("down", Level::Error);
        capture_error(&error());
        crate::end_session();
    });
    assert_eq!(course(&updates(&envelopes)).last(), Some(&(false, SessionStatus::Exited, 1)));
}

#[test]
fn a_crash_ends_the_session() {
    let envelopes = sent(options(), || {
        crate::start_session();
        capture_event(unhandled());
        capture_error(&error());
        crate::end_session();
    });
    assert_eq!(course(&updates(&envelopes)), [(true, SessionStatus::Crashed, 1)]);
}

#[test]
fn a_panic_of_a_thread_leaves_the_session_running() {
    let envelopes = sent(options(), || {
        crate::start_session();
        Hub::current().capture_fatal(unhandled(), None, Class::Normal);
        crate::end_session();
    });
    assert_eq!(course(&updates(&envelopes)), [(true, SessionStatus::Ok, 1)]);
    let end = &on_the_wire(&envelopes)[1];
    assert_eq!((&end["status"], &end["errors"]), (&json!("unhandled"), &json!(1)));
    assert_eq!(end.get("init"), None);
}

#[test]
fn the_death_of_the_process_is_a_crash() {
    let envelopes = sent(options(), || {
        crate::start_session();
        Hub::current().capture_fatal(unhandled(), None, Class::Fatal);
    });
    assert_eq!(course(&updates(&envelopes)), [(true, SessionStatus::Crashed, 1)]);
}

#[test]
fn sampling_does_not_change_what_a_session_is() {
    let envelopes = sent(options().sample_rate(0.0), || {
        crate::start_session();
        for _ in 0..10 {
            capture_error(&error());
        }
        crate::end_session();
    });
    let (ok, exited) = (SessionStatus::Ok, SessionStatus::Exited);
    assert_eq!(course(&updates(&envelopes)), [(true, ok, 1), (false, exited, 10)]);
}

#[test]
fn an_event_that_a_callback_drops_never_was() {
    let envelopes = sent(options().before_send(|_| None), || {
        crate::start_session();
        capture_event(unhandled());
        crate::end_session();
    });
    assert_eq!(course(&updates(&envelopes)), [(true, SessionStatus::Exited, 0)]);
}

#[test]
fn hubs_inherit_a_session_and_never_pass_one_back() {
    let envelopes = sent(options(), || {
        crate::start_session();
        let inherits = Arc::new(Hub::new_from_top(Hub::current()));
        Hub::run(inherits, || {
            capture_error(&error());
            crate::with_scope(|_| {}, || capture_error(&error()));
            crate::start_session();
            capture_event(unhandled());
        });
        capture_error(&error());
    });
    let updates = updates(&envelopes);
    let outer = updates[0].session_id;
    let of = |is_outer: bool| {
        let of: Vec<_> =
            updates.iter().filter(|update| (update.session_id == outer) == is_outer).cloned().collect();
        course(&of)
    };
    let ok = SessionStatus::Ok;
    assert_eq!(of(true), [(true, ok, 1), (false, ok, 2), (false, ok, 3), (false, SessionStatus::Exited, 3)]);
    assert_eq!(of(false), [(true, SessionStatus::Crashed, 1)]);
}

#[test]
fn a_session_inside_of_a_pushed_scope_counts() {
    let envelopes = sent(options(), || {
        crate::with_scope(
            |_| {},
            || {
                crate::start_session();
                capture_error(&error());
            },
        );
        capture_error(&error());
        crate::end_session();
    });
    assert_eq!(course(&updates(&envelopes)).last(), Some(&(false, SessionStatus::Exited, 2)));
}

#[test]
fn starting_ends_the_one_before() {
    let envelopes = sent(options(), || {
        crate::start_session();
        crate::start_session();
        crate::end_session_with_status(SessionStatus::Abnormal);
        crate::end_session();
    });
    let updates = updates(&envelopes);
    assert_eq!(course(&updates), [(true, SessionStatus::Exited, 0), (true, SessionStatus::Abnormal, 0)]);
    assert_ne!(updates[0].session_id, updates[1].session_id);
}

#[test]
fn requests_are_counted_by_the_minute() {
    let envelopes = sent(options().session_mode(SessionMode::Request), || {
        let request = |work: &dyn Fn()| {
            Hub::run(Arc::new(Hub::new_from_top(Hub::current())), || {
                crate::start_session();
                work();
                crate::end_session();
            });
        };
        for _ in 0..50 {
            request(&|| {});
        }
        request(&|| {
            let _ = capture_error(&error());
        });
        request(&|| {
            let _ = capture_event(unhandled());
        });
    });
    assert_eq!(envelopes.len(), 3, "two events, one envelope of aggregates");
    let [aggregates] = &on_the_wire(&envelopes)[..] else { panic!() };
    let sum = |count: &str| {
        aggregates["aggregates"].as_array().unwrap().iter().filter_map(|b| b[count].as_u64()).sum::<u64>()
    };
    assert_eq!((sum("exited"), sum("errored"), sum("unhandled"), sum("crashed")), (50, 1, 1, 0));
    assert_eq!(aggregates["attrs"], json!({"release": "app@1.2.3", "environment": "test"}));
    let started = aggregates["aggregates"][0]["started"].as_str().unwrap();
    assert!(started.ends_with(":00Z"), "{started}");
}

#[test]
fn a_request_that_nobody_ends_is_counted_when_it_is_gone() {
    let envelopes = sent(options().session_mode(SessionMode::Request), || {
        Hub::run(Arc::new(Hub::new_from_top(Hub::current())), crate::start_session);
    });
    assert_eq!(on_the_wire(&envelopes)[0]["aggregates"][0]["exited"], 1);
}

#[test]
fn many_buckets_are_split() {
    let mut tally = tally::Tally::default();
    let attributes = crate::protocol::SessionAttributes {
        release: "r".into(),
        environment: None,
        ip_address: None,
        user_agent: None,
    };
    for user in 0..250 {
        let user = format!("{user}");
        tally.count(&attributes, std::time::SystemTime::UNIX_EPOCH, Some(&user), Status::Exited, 0);
    }
    let sizes: Vec<_> = tally
        .items()
        .iter()
        .map(|item| match item {
            EnvelopeItem::SessionAggregates(aggregates) => aggregates.aggregates.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
}

#[test]
fn an_update_whose_event_is_dropped_is_told_all_the_same() {
    let buffer = Arc::new(Buffer::new(crate::client_report::Recorder::default()));
    let session = Session::start(&options(), None, &buffer).unwrap();
    let first = session.record(Fault::Error).unwrap();
    let second = session.record(Fault::Error).unwrap();
    drop(second);
    assert!(buffer.drain().is_empty(), "the next one says the same");
    drop(first);
    assert_eq!(buffer.drain().concat().len(), 1);
    let redeemed = session.record(Fault::Crash).unwrap();
    let _ = redeemed.redeem();
    drop(redeemed);
    assert!(buffer.drain().is_empty());
}

#[test]
fn the_machine_accepts_nothing_after_an_end() {
    let faults = [Fault::Error, Fault::Unhandled, Fault::Grave, Fault::Crash, Fault::Death];
    for end in [Status::Exited, Status::Unhandled, Status::Crashed, Status::Abnormal] {
        let mut state = state::State::new();
        assert!(state.end(end, false));
        let before = (state.status(), state.errors());
        assert!(faults.iter().all(|fault| !state.count(*fault)) && !state.end(Status::Exited, true));
        assert_eq!((state.status(), state.errors()), before);
    }
}

#[test]
fn an_error_where_main_runs_is_a_crash_if_nobody_catches_it() {
    for (is_panicking, expected) in [(false, Status::Unhandled), (true, Status::Crashed)] {
        let mut state = state::State::new();
        assert!(state.count(Fault::Grave));
        assert_eq!((state.status(), state.last_status()), (Status::Ok, Status::Crashed));
        assert!(state.end(Status::Exited, is_panicking));
        assert_eq!((state.status(), state.errors()), (expected, 1));
    }
    let mut elsewhere = state::State::new();
    assert!(elsewhere.count(Fault::Unhandled) && elsewhere.last_status() == Status::Abnormal);
    assert!(elsewhere.end(Status::Exited, true));
    assert_eq!(elsewhere.status(), Status::Unhandled);
}

#[test]
fn a_request_that_takes_the_process_along_has_crashed() {
    let sent = |run: &dyn Fn()| on_the_wire(&sent(options().session_mode(SessionMode::Request), run));
    let told = sent(&|| {
        crate::start_session();
        Hub::current().capture_fatal(unhandled(), None, Class::Fatal);
    });
    assert_eq!(told[0]["aggregates"][0]["crashed"], 1);
    let told = sent(&|| {
        crate::start_session();
        Hub::current().capture_fatal(unhandled(), None, Class::Normal);
        Hub::current().note_crash();
        crate::end_session();
    });
    assert_eq!((told.len(), &told[0]["aggregates"][0]["crashed"]), (1, &json!(1)));
}
