//! Faults of other SDKs that users of this one must never meet. Row numbers are those of the catalogue the tests were
//! written from.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

use ingest::Server;
use sentry::protocol::{Envelope, Event, Log, LogLevel};
use sentry::test::TestTransport;
use sentry::{Breadcrumb, Client, ClientOptions, Hub, Level, Transport};

const PATIENCE: Duration = Duration::from_secs(20);

fn hub(options: ClientOptions) -> (Arc<Hub>, Arc<TestTransport>) {
    let transport = TestTransport::new();
    let options = options.dsn("http://public@127.0.0.1:9/42").transport(Arc::clone(&transport));
    (Arc::new(Hub::new(Some(Arc::new(Client::from(options))), Arc::default())), transport)
}

/// Runs `f` on a thread of its own and fails if it does not end: a deadlock must not hang the test run.
fn ends(name: &str, f: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        f();
        done.send(()).unwrap();
    });
    assert!(thread.is_ok());
    assert!(ended.recv_timeout(PATIENCE).is_ok(), "{name} did not end");
}

/// Row 1.
#[test]
fn a_timestamp_before_1970_costs_nobody_anything() {
    let server = Server::start();
    let client = Arc::new(Client::from(sentry::apply_defaults(ClientOptions::new().dsn(&server.dsn()))));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    let ancient = SystemTime::UNIX_EPOCH - Duration::from_secs(3_600 * 24 * 365 * 100);
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX) * 100_000);
    Hub::run(hub, || {
        for timestamp in [ancient, far] {
            sentry::add_breadcrumb(Breadcrumb {
                timestamp,
                message: Some("odd".into()),
                ..Default::default()
            });
            sentry::capture_event(Event { timestamp, message: Some("odd".into()), ..Default::default() });
        }
        sentry::capture_message("afterwards", Level::Info);
    });
    assert!(client.close(Some(PATIENCE)));
    assert_eq!(server.events().len(), 3);
}

/// Row 4.
#[test]
fn callbacks_may_use_the_sdk() {
    fn busy() {
        sentry::configure_scope(|scope| scope.set_tag("a", 1));
        sentry::with_scope(
            |scope| scope.set_tag("b", 2),
            || _ = sentry::capture_message("inner", Level::Info),
        );
        sentry::add_breadcrumb(Breadcrumb::default());
        drop(Hub::current().push_scope());
        let _ = sentry::last_event_id();
        if let Some(client) = Hub::current().client() {
            client.flush(Some(Duration::from_millis(1)));
        }
    }

    struct Talkative;
    impl fmt::Debug for Talkative {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            busy();
            f.write_str("Talkative")
        }
    }
    impl fmt::Display for Talkative {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            busy();
            f.write_str("it talks")
        }
    }
    impl std::error::Error for Talkative {}

    ends("before_send, breadcrumbs, processors and errors", || {
        let options = ClientOptions::new()
            .before_send(|event| {
                busy();
                Some(event)
            })
            .before_breadcrumb(|crumb| {
                busy();
                Some(crumb)
            });
        let (hub, transport) = hub(options);
        Hub::run(hub, || {
            sentry::configure_scope(|scope| {
                busy();
                scope.add_event_processor(|event| {
                    busy();
                    Some(event)
                });
            });
            sentry::add_breadcrumb(|| {
                busy();
                Breadcrumb::default()
            });
            sentry::capture_message("outer", Level::Info);
            sentry::capture_error(&Talkative);
        });
        let events = transport.fetch_and_clear_events();
        let count = |text: &str| events.iter().filter(|event| format!("{event:?}").contains(text)).count();
        assert_eq!((count("\"outer\""), count("\"Talkative\"")), (1, 1));
    });
}

/// Row 4: closing the client from inside its own pipeline.
#[test]
fn a_callback_may_close_the_client() {
    ends("close in before_send", || {
        let options = ClientOptions::new().before_send(|event| {
            Hub::current().client().unwrap().close(Some(Duration::from_millis(10)));
            Some(event)
        });
        let (hub, _transport) = hub(options);
        Hub::run(hub, || _ = sentry::capture_message("last", Level::Info));
    });
}

/// Row 5.
#[test]
fn a_shared_hub_survives_readers_and_writers() {
    ends("capturing and configuring one hub", || {
        let (hub, transport) = hub(ClientOptions::new());
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let hub = Arc::clone(&hub);
                std::thread::Builder::new()
                    .spawn(move || {
                        for i in 0..500 {
                            hub.configure_scope(|scope| scope.set_tag(&format!("thread.{n}"), i));
                            hub.capture_error(&fmt::Error);
                        }
                    })
                    .unwrap()
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(transport.fetch_and_clear_events().len(), 2_000);
        hub.capture_message("all", Level::Info);
        let last = &transport.fetch_and_clear_events()[0];
        let tags: Vec<_> = (0..4).filter_map(|n| last.tags.get(&format!("thread.{n}"))).collect();
        assert_eq!(tags, ["499"; 4], "no update of any thread was lost");
    });
}

/// Row 6.
#[test]
fn capturing_while_thread_locals_are_torn_down_is_harmless() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            sentry::add_breadcrumb(Breadcrumb::default());
            sentry::capture_message("late", Level::Info);
            sentry::configure_scope(|scope| scope.set_tag("late", true));
            let hub = Hub::current();
            Hub::run(hub, || sentry::with_scope(|_| {}, || ()));
        }
    }
    thread_local! { static LATE: RefCell<Option<Late>> = const { RefCell::new(None) }; }
    let (hub, _transport) = hub(ClientOptions::new());
    for sdk_first in [true, false] {
        let hub = Arc::clone(&hub);
        let thread = std::thread::Builder::new().spawn(move || {
            if sdk_first {
                let _ = Hub::current();
            }
            LATE.with(|late| *late.borrow_mut() = Some(Late));
            Hub::run(hub, || _ = sentry::capture_message("early", Level::Info));
        });
        assert!(thread.unwrap().join().is_ok());
    }
}

/// Row 12. In a process of its own: the clients of other tests do start threads.
#[test]
#[cfg(target_os = "linux")]
fn disabled_clients_start_no_threads() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "threads_of_disabled_clients", "--ignored"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && text.contains("1 passed"), "{text}");
}

/// That process.
#[test]
#[ignore = "started by the test above"]
#[cfg(target_os = "linux")]
fn threads_of_disabled_clients() {
    let threads = || -> BTreeSet<String> {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        names.filter(|name| name.starts_with("sentry")).collect()
    };
    let before = threads();
    let clients: Vec<_> =
        (0..10).map(|_| Client::from(sentry::apply_defaults(ClientOptions::new()))).collect();
    assert!(clients.iter().all(|client| !client.is_enabled()));
    assert_eq!(threads(), before);
}

/// Row 15.
#[test]
fn a_dropped_event_leaves_the_last_event_id_alone() {
    let options = ClientOptions::new().before_send(|event| (event.level != Level::Debug).then_some(event));
    let (hub, _transport) = hub(options);
    Hub::run(hub, || {
        assert!(sentry::capture_message("dropped", Level::Debug).is_nil());
        assert_eq!(sentry::last_event_id(), None);
        let id = sentry::capture_message("kept", Level::Info);
        assert!(sentry::capture_message("dropped", Level::Debug).is_nil());
        assert_eq!(sentry::last_event_id(), Some(id));
    });
}

/// Row 16.
#[test]
fn threads_that_configure_one_hub_lose_nothing() {
    ends("four threads and one scope", || {
        let (hub, transport) = hub(ClientOptions::new());
        let start = Arc::new(std::sync::Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let (hub, start) = (Arc::clone(&hub), Arc::clone(&start));
                let body = move || {
                    start.wait();
                    for i in 0..100 {
                        hub.configure_scope(|scope| {
                            scope.set_tag(&format!("tag.{n}.{i}"), i);
                            std::thread::yield_now();
                            scope.set_extra(&format!("extra.{n}.{i}"), i.into());
                        });
                    }
                };
                std::thread::Builder::new().spawn(body).unwrap()
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        hub.capture_message("all", Level::Info);
        let event = &transport.fetch_and_clear_events()[0];
        assert_eq!((event.tags.len(), event.extra.len()), (400, 400));
    });
}

/// Row 17.
#[test]
fn scope_guards_may_be_dropped_in_any_order() {
    let (hub, transport) = hub(ClientOptions::new());
    let push = |name: &str| {
        let guard = hub.push_scope();
        hub.configure_scope(|scope| scope.set_tag(name, true));
        guard
    };
    hub.configure_scope(|scope| scope.set_tag("base", true));
    let (outer, middle, inner) = (push("outer"), push("middle"), push("inner"));
    drop(middle);
    hub.capture_message("the middle takes the inner with it", Level::Info);
    let next = push("next");
    drop(inner);
    hub.capture_message("a guard with nothing left to pop pops nothing", Level::Info);
    drop((outer, next));
    hub.capture_message("all is as it was", Level::Info);
    let events = transport.fetch_and_clear_events();
    let tags: Vec<Vec<_>> =
        events.iter().map(|event| event.tags.keys().map(String::as_str).collect()).collect();
    assert_eq!(tags, [vec!["base", "outer"], vec!["base", "next", "outer"], vec!["base"]]);
}

/// Row 19.
#[test]
fn what_a_log_says_itself_stays() {
    let mut scope = sentry::Scope::default();
    scope.set_user(Some(sentry::User { id: Some("7".into()), ..Default::default() }));
    let own = [("parent_span_id", "mine"), ("sentry.trace.parent_span_id", "mine"), ("user.id", "mine")];
    let mut log = Log {
        level: LogLevel::Info,
        body: "text".into(),
        trace_id: None,
        timestamp: SystemTime::UNIX_EPOCH,
        severity_number: None,
        attributes: own.map(|(key, value)| (key.to_owned(), value.into())).into(),
    };
    let before = log.attributes.clone();
    scope.apply_to_log(&mut log);
    for (key, value) in before {
        assert_eq!(log.attributes.get(&key), Some(&value), "{key}");
    }
}

/// Row 20.
#[test]
fn a_shared_transport_forwards_every_call() {
    #[derive(Default)]
    struct Counting {
        flushes: AtomicUsize,
        shutdowns: AtomicUsize,
    }
    impl Transport for Counting {
        fn send_envelope(&self, _envelope: Envelope) {}
        fn flush(&self, _timeout: Duration) -> bool {
            self.flushes.fetch_add(1, Ordering::SeqCst);
            false
        }
        fn shutdown(&self, _timeout: Duration) -> bool {
            self.shutdowns.fetch_add(1, Ordering::SeqCst);
            false
        }
    }
    let counting = Arc::new(Counting::default());
    let options = ClientOptions::new().dsn("http://public@127.0.0.1:9/42").transport(Arc::clone(&counting));
    let client = Client::from(options);
    assert!(!client.flush(None));
    assert!(!client.close(None));
    assert_eq!((counting.flushes.load(Ordering::SeqCst), counting.shutdowns.load(Ordering::SeqCst)), (1, 1));
}

/// Row 22.
#[test]
fn a_dsn_without_a_transport_is_off_and_not_a_panic() {
    let client = Client::from(ClientOptions::new().dsn("http://public@127.0.0.1:9/42"));
    assert!(!client.is_enabled());
    assert!(client.flush(None));
}

/// Row 23.
#[test]
fn the_release_name_needs_no_mutable_static() {
    let names: Vec<_> = (0..2)
        .map(|_| std::thread::Builder::new().spawn(|| sentry::release_name!()).unwrap().join().unwrap())
        .collect();
    let expected = format!("sentry@{}", env!("CARGO_PKG_VERSION"));
    assert!(names.iter().all(|name| name.as_deref() == Some(&expected)));
}

/// Row 24.
#[test]
fn a_thread_is_named_by_its_own_id() {
    let named = std::thread::Builder::new().name("orders".into()).spawn(|| {
        (format!("{:?}", std::thread::current().id()), sentry::integrations::backtrace::current_thread(false))
    });
    let (id, thread) = named.unwrap().join().unwrap();
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(thread.id.map(|id| id.to_string()), Some(digits));
    assert_eq!(thread.name.as_deref(), Some("orders"));
}
