use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::options::ClientOptions;
use crate::protocol::{Event, Level};
use crate::test::{TestTransport, with_captured_events};
use crate::{Breadcrumb, capture_message, configure_scope, with_scope};

const PATIENCE: Duration = Duration::from_secs(20);

fn client() -> (Arc<Client>, Arc<TestTransport>) {
    let transport = TestTransport::new();
    let options =
        ClientOptions::new().dsn("https://public@sentry.invalid/1").transport(Arc::clone(&transport));
    (Arc::new(Client::from(options)), transport)
}

fn tags(event: &Event<'_>) -> String {
    let tags: Vec<_> = event.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    tags.join(" ")
}

/// Runs `f` on a thread of its own: a deadlock must not hang the test run.
fn ends(f: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        f();
        let _ = done.send(());
    });
    assert!(thread.is_ok());
    assert!(ended.recv_timeout(PATIENCE).is_ok(), "it did not end");
}

/// Uses the hub when it is dropped, as values of users do that log.
struct UsesHub(Arc<Hub>, Arc<AtomicUsize>);

impl UsesHub {
    fn add_to(self, scope: &mut Scope) {
        scope.add_event_processor(move |event| {
            let _ = &self.0;
            Some(event)
        });
    }
}

impl std::panic::RefUnwindSafe for UsesHub {}

impl Drop for UsesHub {
    fn drop(&mut self) {
        self.0.configure_scope(|scope| scope.set_tag("dropped", 1));
        drop(self.0.push_scope());
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn scopes_nest_and_give_values_back() {
    let events = with_captured_events(|| {
        configure_scope(|scope| scope.set_tag("base", 1));
        let value = with_scope(
            |scope| scope.set_tag("outer", 1),
            || {
                let guard = Hub::current().push_scope();
                configure_scope(|scope| {
                    scope.set_tag("inner", 1);
                    scope.remove_tag("base");
                });
                capture_message("inner", Level::Info);
                drop(guard);
                capture_message("outer", Level::Info);
                42
            },
        );
        assert_eq!(value, 42);
        assert_eq!(configure_scope(|_| 7), 7);
        capture_message("base", Level::Info);
    });
    let seen: Vec<_> = events.iter().map(tags).collect();
    assert_eq!(seen, ["inner=1 outer=1", "base=1 outer=1", "base=1"]);
}

#[test]
fn a_hub_is_set_up_before_it_has_a_client() {
    let hub = Hub::new(None, Arc::default());
    assert_eq!(hub.configure_scope(|scope| scope.set_tag("early", 1)), ());
    assert!(hub.capture_message("off", Level::Info).is_nil());
    let (client, transport) = client();
    hub.bind_client(Some(client));
    hub.capture_message("on", Level::Info);
    hub.bind_client(None);
    assert!(hub.capture_message("off again", Level::Info).is_nil());
    let events = transport.fetch_and_clear_events();
    assert_eq!(events.iter().map(tags).collect::<Vec<_>>(), ["early=1"]);
}

#[test]
fn the_free_function_needs_a_client_that_is_on() {
    let (other, _transport) = client();
    let hub = Arc::new(Hub::new(None, Arc::default()));
    Hub::run(hub, || assert!(!configure_scope(|_| true)));
    drop(other);
}

#[test]
fn a_guard_left_over_pops_nothing_that_was_pushed_later() {
    let (client, transport) = client();
    let hub = Hub::new(Some(client), Arc::default());
    let first = hub.push_scope();
    let left_over = hub.push_scope();
    drop(first);
    let _third = hub.push_scope();
    let _fourth = hub.push_scope();
    hub.configure_scope(|scope| scope.set_tag("fourth", 1));
    drop(left_over);
    hub.capture_message("still there", Level::Info);
    assert_eq!(tags(&transport.fetch_and_clear_events()[0]), "fourth=1");
}

#[test]
fn a_new_hub_begins_with_the_top_of_the_old_one_and_goes_its_own_way() {
    let events = with_captured_events(|| {
        let old = Hub::current();
        let _guard = old.push_scope();
        configure_scope(|scope| scope.set_tag("both", 1));
        let id = capture_message("old", Level::Info);
        let new = Arc::new(Hub::new_from_top(&old));
        assert_eq!((old.last_event_id(), new.last_event_id()), (Some(id), None));
        let there = Arc::clone(&new);
        let thread = std::thread::Builder::new().spawn(move || {
            Hub::run(there, || {
                configure_scope(|scope| scope.set_tag("new", 1));
                capture_message("new", Level::Info);
            });
        });
        thread.unwrap().join().unwrap();
        capture_message("old", Level::Info);
    });
    assert_eq!(events.iter().map(tags).collect::<Vec<_>>(), ["both=1", "both=1 new=1", "both=1"]);
    let traces: Vec<_> = events.iter().map(|event| &event.contexts["trace"]).collect();
    assert_eq!(traces[0], traces[1], "the trace goes on in the new hub");
}

#[test]
fn the_outer_of_two_nested_configurations_wins_where_they_conflict() {
    let events = with_captured_events(|| {
        configure_scope(|scope| {
            scope.set_tag("who", "outer");
            configure_scope(|scope| {
                scope.set_tag("who", "inner");
                scope.set_tag("inner", 1);
                scope.add_event_processor(|mut event| {
                    event.tags.insert("p-inner".into(), "1".into());
                    Some(event)
                });
            });
            crate::add_breadcrumb(Breadcrumb { message: Some("kept".into()), ..Default::default() });
            scope.add_event_processor(|mut event| {
                event.tags.insert("p-outer".into(), "1".into());
                Some(event)
            });
        });
        capture_message("", Level::Info);
    });
    assert_eq!(tags(&events[0]), "inner=1 p-inner=1 p-outer=1 who=outer");
    assert_eq!(events[0].breadcrumbs.len(), 1);
}

#[test]
fn nothing_of_the_users_is_dropped_while_a_lock_is_held() {
    ends(|| {
        let (client, _transport) = client();
        let hub = Arc::new(Hub::new(Some(client), Arc::default()));
        let dropped = Arc::new(AtomicUsize::new(0));
        let value = || UsesHub(Arc::clone(&hub), Arc::clone(&dropped));
        // Replaced, popped, and on both sides of a conflict.
        hub.configure_scope(|scope| value().add_to(scope));
        hub.configure_scope(Scope::clear);
        drop({
            let guard = hub.push_scope();
            hub.configure_scope(|scope| value().add_to(scope));
            guard
        });
        hub.configure_scope(|scope| value().add_to(scope));
        hub.configure_scope(|scope| {
            hub.configure_scope(|scope| value().add_to(scope));
            scope.clear();
            value().add_to(scope);
        });
        hub.configure_scope(Scope::clear);
        assert_eq!(dropped.load(Ordering::Relaxed), 5);

        crate::configure_global_scope(|scope| value().add_to(scope));
        crate::configure_global_scope(|scope| {
            crate::configure_global_scope(|scope| value().add_to(scope));
            scope.clear();
        });
        crate::configure_global_scope(Scope::clear);
        assert_eq!(dropped.load(Ordering::Relaxed), 7);
    });
}

#[test]
fn a_cancelled_future_reports_to_its_hub() {
    struct Reports;
    impl Drop for Reports {
        fn drop(&mut self) {
            capture_message("cancelled", Level::Info);
        }
    }
    let (client, transport) = client();
    let hub = Arc::new(Hub::new(Some(client), Arc::default()));
    hub.configure_scope(|scope| scope.set_tag("request", 1));
    let inner = async {
        let _reports = Reports;
        std::future::pending::<()>().await;
    };
    let mut future = Box::pin(inner.bind_hub(Arc::clone(&hub)));
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
    drop(future);
    assert_eq!(tags(&transport.fetch_and_clear_events()[0]), "request=1");
}

#[test]
fn concurrent_configurations_lose_nothing() {
    let (client, transport) = client();
    let hub = Arc::new(Hub::new(Some(client), Arc::default()));
    let barrier = Arc::new(std::sync::Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let (hub, barrier) = (Arc::clone(&hub), Arc::clone(&barrier));
            let body = move || {
                barrier.wait();
                for n in 0..50 {
                    let key = format!("{thread}.{n}");
                    hub.configure_scope(|scope| {
                        std::thread::yield_now();
                        scope.set_tag(&key, n);
                        scope.add_event_processor(|mut event| {
                            event.fingerprint.to_mut().push("p".into());
                            Some(event)
                        });
                    });
                }
            };
            std::thread::Builder::new().spawn(body).unwrap()
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    hub.capture_message("", Level::Info);
    let event = &transport.fetch_and_clear_events()[0];
    assert_eq!((event.tags.len(), event.fingerprint.len()), (200, 201));
}

#[test]
fn processors_run_in_the_order_they_were_added_from_the_bottom_up() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let processor = |name: &'static str| {
        let order = Arc::clone(&order);
        move |event: Event<'static>| {
            lock(&order).push(name);
            Some(event)
        }
    };
    with_captured_events(|| {
        configure_scope(|scope| {
            scope.add_event_processor(processor("first"));
            scope.add_event_processor(processor("second"));
        });
        with_scope(
            |scope| scope.add_event_processor(processor("pushed")),
            || _ = capture_message("", Level::Info),
        );
    });
    assert_eq!(*lock(&order), ["first", "second", "pushed"]);
}
