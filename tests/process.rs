//! Programs that fork, exit and get signals: what they captured arrives, once, and they end as they would without the SDK.
//!
//! Each scenario is a process of its own. The test program runs itself with the scenario's name in its environment.

#[cfg(not(all(unix, any(feature = "reqwest", feature = "ureq", feature = "curl"))))]
fn main() {}

#[cfg(all(unix, any(feature = "reqwest", feature = "ureq", feature = "curl")))]
fn main() {
    unix::main();
}

#[cfg(all(unix, any(feature = "reqwest", feature = "ureq", feature = "curl")))]
mod unix {
    use std::collections::{BTreeMap, HashSet};
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, Command, ExitStatus, Stdio};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::Builder;
    use std::time::{Duration, Instant};

    use forking::{SIGINT, SIGTERM};
    use ingest::{Reply, Server};
    use sentry::{ClientInitGuard, ClientOptions, Level};

    const SCENARIO: &str = "SENTRY_TEST_SCENARIO";
    const DSN: &str = "SENTRY_TEST_DSN";
    /// What the scenario needs to know besides.
    const DETAIL: &str = "SENTRY_TEST_DETAIL";

    /// Where the SDK calls the application.
    const PLACES: [&str; 10] = [
        "before_send",
        "event processor",
        "before_breadcrumb",
        "on_drop",
        "diagnostics hook",
        "configure_scope",
        "setup of with_scope",
        "with_scope",
        "panic hook",
        "thread-local destructor",
    ];

    /// `shutdown_timeout` where the server does not answer.
    const TIMEOUT: Duration = Duration::from_millis(500);
    const LONG: Duration = Duration::from_secs(20);
    /// The detail of a program that waits for long: a busy machine may need that where the server answers.
    const PATIENT: &str = "patient";
    const FORKS: usize = 50;

    pub(super) fn main() {
        // A shell that starts this in the background has it ignored, and that is inherited.
        forking::restore(SIGINT);
        if let (Some(scenario), Some(dsn)) = (variable(SCENARIO), variable(DSN)) {
            return play(&scenario, &dsn);
        }
        let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
        let tests: [(&str, fn()); 13] = [
            ("exits_deliver_what_is_pending", exits_deliver_what_is_pending),
            ("exits_end_in_time", exits_end_in_time),
            ("exits_from_callbacks_deliver_what_is_pending", exits_from_callbacks_deliver_what_is_pending),
            ("signals_deliver_what_is_pending", signals_deliver_what_is_pending),
            ("a_second_signal_ends_at_once", a_second_signal_ends_at_once),
            ("signals_of_others_stay_theirs", signals_of_others_stay_theirs),
            ("handlers_return_when_everything_is_sent", handlers_return_when_everything_is_sent),
            ("forked_children_deliver_their_own", forked_children_deliver_their_own),
            ("forks_from_callbacks_are_no_harm", forks_from_callbacks_are_no_harm),
            ("a_fork_right_after_the_first_event_is_no_harm", a_fork_right_after_the_first_event_is_no_harm),
            (
                "a_hook_that_hears_of_a_bad_setting_is_called_without_our_locks",
                a_hook_that_hears_of_a_bad_setting_is_called_without_our_locks,
            ),
            ("a_fork_while_symbols_are_loaded_is_no_harm", a_fork_while_symbols_are_loaded_is_no_harm),
            ("losses_are_reported_by_who_lost_them", losses_are_reported_by_who_lost_them),
        ];
        let mut passed = 0;
        for (name, test) in tests {
            if only.as_ref().is_none_or(|only| name.contains(only)) {
                let begun = now();
                test();
                println!("{name} ... ok, {:?}", begun.elapsed());
                passed += 1;
            }
        }
        println!("{passed} passed, 0 failed");
    }

    fn exits_deliver_what_is_pending() {
        for (scenario, code) in [
            ("sentry::exit", 3),
            ("std::process::exit", 4),
            ("guard in a static", 0),
            ("exit in async code", 5),
            ("exit on a thread", 6),
            ("exit in a child", 7),
        ] {
            let server = Server::builder().latency(Duration::from_millis(100)).start();
            let (status, _) = run_with(scenario, &server, PATIENT);
            assert_eq!(status.code(), Some(code), "{scenario}: {status}");
            assert_eq!(server.events().len(), 3, "{scenario}");
            server.assert_clean();
        }
    }

    fn exits_end_in_time() {
        for (scenario, code) in [("sentry::exit", 3), ("std::process::exit", 4), ("exit on a thread", 6)] {
            let server = Server::builder().otherwise(Reply::hang()).start();
            let promised = TIMEOUT + Duration::from_millis(50);
            let best = best(promised, || {
                let (status, elapsed) = run(scenario, &server);
                assert_eq!(status.code(), Some(code), "{scenario}: {status}");
                elapsed
            });
            println!("{scenario}: ends in {best:?} with a server that hangs");
            assert!(best <= promised, "{scenario}: {best:?}");
        }
    }

    /// The shortest of several ends, as soon as one is as short as promised: on a busy machine any may be longer.
    fn best(promised: Duration, mut end: impl FnMut() -> Duration) -> Duration {
        let mut best = Duration::MAX;
        for _ in 0..20 {
            best = best.min(end());
            if best <= promised {
                break;
            }
        }
        best
    }

    fn exits_from_callbacks_deliver_what_is_pending() {
        for place in PLACES {
            let server = Server::builder().latency(Duration::from_millis(50)).start();
            let (status, elapsed) = run(place, &server);
            assert_eq!(status.code(), Some(8), "{place}: {status}");
            assert!(elapsed < LONG / 2, "{place}: {elapsed:?}");
            assert_eq!(server.events().len(), before(place), "{place}");
        }
        // This one runs on the worker, which cannot wait for itself.
        let server = Server::start();
        let promised = TIMEOUT + Duration::from_millis(500);
        let best = best(promised, || {
            let (status, elapsed) = run("exit in a sender", &server);
            assert_eq!(status.code(), Some(8), "{status}");
            elapsed
        });
        assert!(best <= promised, "{best:?}");
    }

    /// How many events there are before the callback is called.
    fn before(place: &str) -> usize {
        3 + usize::from(place == "panic hook")
    }

    fn signals_deliver_what_is_pending() {
        for number in [SIGTERM, SIGINT] {
            let server = Server::builder().latency(Duration::from_millis(100)).start();
            let mut program = Program::start_with("waits for signals", &server, Some(PATIENT));
            program.wait_until_ready();
            program.signal(number);
            let status = program.wait();
            assert_eq!(status.signal(), Some(number), "{status}");
            assert_eq!(server.events().len(), 3, "signal {number}");

            let server = Server::builder().otherwise(Reply::hang()).start();
            let promised = TIMEOUT + Duration::from_millis(500);
            let best = best(promised, || {
                let mut program = Program::start("waits for signals", &server);
                program.wait_until_ready();
                let begun = now();
                program.signal(number);
                assert_eq!(program.wait().signal(), Some(number));
                begun.elapsed()
            });
            println!("signal {number}: ends in {best:?} with a server that hangs");
            assert!(best <= promised, "signal {number}: {best:?}");
        }
    }

    fn a_second_signal_ends_at_once() {
        let server = Server::builder().otherwise(Reply::hang()).start();
        let mut program = Program::start_with("waits for signals", &server, Some(PATIENT));
        program.wait_until_ready();
        program.signal(SIGINT);
        // Two that are pending at once are one.
        while !program.flushes() {
            std::thread::yield_now();
        }
        let begun = now();
        program.signal(SIGINT);
        assert_eq!(program.wait().signal(), Some(SIGINT));
        assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());

        // A child has no thread that could flush, and its parent hears nothing of its signals.
        let server = Server::start();
        let (status, _) = run("a child gets a signal", &server);
        assert_eq!(status.code(), Some(0), "{status}");
        assert_eq!(server.events().len(), 3);
    }

    fn signals_of_others_stay_theirs() {
        for scenario in ["handled before", "handled after"] {
            let server = Server::builder().latency(Duration::from_millis(50)).start();
            let mut program = Program::start(scenario, &server);
            program.wait_until_ready();
            for number in [1, 2] {
                program.signal(SIGTERM);
                assert_eq!(program.line(), format!("handled {number}"), "{scenario}");
                // Sent, although the process goes on and nobody has flushed.
                assert_eq!(server.wait_for_events(3 * number, LONG).len(), 3 * number, "{scenario}");
            }
            assert_eq!(program.wait().code(), Some(0), "{scenario}");
        }
        let server = Server::start();
        let mut program = Program::start("ignored", &server);
        program.wait_until_ready();
        program.signal(SIGINT);
        assert_eq!(program.wait().code(), Some(0), "ignored signals stay so");
    }

    fn handlers_return_when_everything_is_sent() {
        for scenario in ["handler", "handler that panics", "async handler", "async handler that panics"] {
            let server = Server::builder().latency(Duration::from_millis(50)).start();
            let (status, _) = run(scenario, &server);
            assert_eq!(status.code(), Some(9), "{scenario}: {status}");
            assert!(server.events().len() >= 3, "{scenario}: {}", server.events().len());
        }
    }

    /// Other threads of the parent use the SDK all the time, so that some lock is always taken.
    fn forked_children_deliver_their_own() {
        let server = Server::builder().latency(Duration::from_millis(10)).start();
        let begun = now();
        let (status, _) = run("forks", &server);
        let elapsed = begun.elapsed();
        assert!(status.success(), "{status}");

        let mut times = BTreeMap::<String, usize>::new();
        let mut ids = HashSet::new();
        for event in server.events() {
            let message = event["logentry"]["formatted"].as_str().or_else(|| event["message"].as_str());
            *times.entry(message.expect("a message").to_owned()).or_default() += 1;
            assert!(ids.insert(event["event_id"].to_string()), "an id is there twice: {event}");
        }
        for n in 0..FORKS {
            for name in [format!("parent {n} a"), format!("parent {n} b"), format!("child {n}")] {
                assert_eq!(times.remove(&name), Some(1), "{name}");
            }
            if how_child_ends(n) == ChildEnds::WithGrandchild {
                assert_eq!(times.remove(&format!("grandchild {n}")), Some(1), "{n}");
            }
        }
        assert!(times.keys().all(|name| name.starts_with("noise")), "{times:?}");
        assert!(times.values().all(|count| *count == 1), "{times:?}");
        server.assert_clean();
        println!("{FORKS} forks in {elapsed:?}, {} events in all", ids.len());
    }

    fn forks_from_callbacks_are_no_harm() {
        for place in PLACES {
            let server = Server::start();
            let (status, elapsed) = run_with(place, &server, "forks");
            assert_eq!(status.code(), Some(8), "{place}: {status}");
            assert!(elapsed < LONG / 2, "{place}: {elapsed:?}");
            assert_eq!(server.events().len(), before(place) + 1, "{place}");
        }
    }

    /// The worker of the parent reads at that moment what it needs to know of the machine, and its libraries initialise
    /// themselves. Several at once, so that it is interrupted everywhere.
    fn a_fork_right_after_the_first_event_is_no_harm() {
        const AT_ONCE: u64 = 4;
        let begun = now();
        let fork_after = |pause: u64| {
            let server = Server::start();
            let (status, _) = run_with("forks early", &server, &pause.to_string());
            assert_eq!(status.code(), Some(0), "after {pause} us: {status}");
            assert_eq!(server.events().len(), 2);
        };
        std::thread::scope(|scope| {
            for first in 0..AT_ONCE {
                scope.spawn(move || (first..80).step_by(AT_ONCE as usize).for_each(|n| fork_after(n * 25)));
            }
        });
        println!("80 processes that fork right after their first event: {:?}", begun.elapsed());
    }

    /// While it has one of ours, a fork waits for half a second until it gives up.
    fn a_hook_that_hears_of_a_bad_setting_is_called_without_our_locks() {
        let server = Server::start();
        let (status, _) = run("forks when it hears of a bad proxy", &server);
        assert_eq!(status.code(), Some(0), "{status}");
        assert_eq!(server.events().len(), 1);
    }

    fn losses_are_reported_by_who_lost_them() {
        let server = Server::start();
        let (status, _) = run("losses", &server);
        assert!(status.success(), "{status}");
        let reports = server.items("client_report");
        let mut lost: Vec<_> = reports
            .iter()
            .flat_map(|item| item.json()["discarded_events"].as_array().cloned().unwrap_or_default())
            .map(|entry| entry["quantity"].as_u64().expect("a number"))
            .collect();
        lost.sort_unstable();
        // The parent's, those of a child that sends nothing else, and those of a child that does.
        assert_eq!(lost, [4, 8, 16], "{reports:?}");
    }

    fn a_fork_while_symbols_are_loaded_is_no_harm() {
        let server = Server::start();
        let (status, elapsed) = run("forks while symbols are loaded", &server);
        assert!(status.success(), "{status}");
        assert_eq!(server.events().len(), 1);
        assert!(server.events()[0].to_string().contains("process::unix::play"), "{}", server.events()[0]);
        println!("a child that loads its symbols itself: {elapsed:?}");
    }

    fn play(scenario: &str, dsn: &str) {
        match scenario {
            "sentry::exit" => {
                let _guard = pending(dsn);
                ready();
                sentry::exit(3);
            }
            "std::process::exit" => {
                let _guard = pending(dsn);
                ready();
                exit(4);
            }
            "guard in a static" => {
                static GUARD: OnceLock<ClientInitGuard> = OnceLock::new();
                GUARD.set(pending(dsn)).expect("once");
                ready();
            }
            "exit in async code" => runtime().block_on(async {
                let _guard = pending(dsn);
                ready();
                tokio::spawn(async { sentry::exit(5) }).await.expect("does not return");
            }),
            "exit on a thread" => {
                let _guard = pending(dsn);
                ready();
                let thread = Builder::new().spawn(|| exit(6)).expect("a thread");
                thread.join().expect("does not return");
            }
            "exit in a child" => {
                let _guard = init(dsn, timeout());
                let child = forking::fork();
                ready();
                match child {
                    None => {
                        capture();
                        exit(7);
                    }
                    Some(child) => forking::exit_now(code_of(child)),
                }
            }
            "waits for signals" => wait_for_signals(dsn),
            "a child gets a signal" => {
                let _guard = init(dsn, LONG);
                sentry::flush_on_signals().expect("a thread and a pipe");
                let Some(child) = forking::fork() else {
                    forking::signal(std::process::id(), SIGTERM);
                    std::thread::sleep(LONG);
                    return;
                };
                let status = child.wait(LONG);
                assert_eq!(status.and_then(|status| status.signal()), Some(SIGTERM), "{status:?}");
                let Some(child) = forking::fork() else {
                    sentry::flush_on_signals().expect("a thread and a pipe");
                    capture();
                    forking::signal(std::process::id(), SIGTERM);
                    std::thread::sleep(LONG);
                    return;
                };
                let status = child.wait(LONG);
                assert_eq!(status.and_then(|status| status.signal()), Some(SIGTERM), "{status:?}");
                ready();
            }
            "handled before" => {
                forking::handle(SIGTERM);
                be_handled(dsn, || ());
            }
            "handled after" => be_handled(dsn, || forking::handle(SIGTERM)),
            "ignored" => {
                forking::ignore(SIGINT);
                let _guard = init(dsn, TIMEOUT);
                sentry::flush_on_signals().expect("a thread and a pipe");
                ready();
                std::thread::sleep(Duration::from_millis(200));
            }
            "handler" | "handler that panics" => {
                let _guard = init(dsn, LONG);
                let result = std::panic::catch_unwind(|| {
                    sentry::flush_on_return(None, || {
                        capture();
                        panic_if(scenario);
                    });
                });
                freeze(result.is_err(), scenario);
            }
            "async handler" | "async handler that panics" => {
                let _guard = init(dsn, LONG);
                let task = async {
                    let handler = async {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        capture();
                        panic_if(scenario);
                    };
                    sentry::flush_on_return_async(LONG, handler).await;
                };
                let result =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime().block_on(task)));
                freeze(result.is_err(), scenario);
            }
            "exit in a sender" => {
                let sender = sentry::transports::FnSender::new(|_| -> sentry::transports::Response {
                    sentry::exit(8)
                });
                let _guard = sentry::init(ClientOptions::new().shutdown_timeout(TIMEOUT).transport(sender));
                ready();
                capture();
                std::thread::sleep(LONG);
            }
            "forks early" => {
                let pause = variable(DETAIL).and_then(|pause| pause.parse().ok()).expect("a number");
                let _guard = init(dsn, LONG);
                sentry::capture_message("first", Level::Info);
                std::thread::sleep(Duration::from_micros(pause));
                let Some(child) = forking::fork() else {
                    sentry::capture_message("from the child", Level::Info);
                    sentry::exit(0)
                };
                ready();
                // Less patient than the guard: it would wait for ever.
                assert_eq!(child.wait(LONG / 4).and_then(|status| status.code()), Some(0));
            }
            "forks when it hears of a bad proxy" => {
                static TOOK: OnceLock<Duration> = OnceLock::new();
                sentry::diagnostics::set_hook(Some(std::sync::Arc::new(|_, line| {
                    if line.contains("proxy") {
                        let begun = now();
                        let Some(child) = forking::fork() else { forking::exit_now(0) };
                        TOOK.get_or_init(|| begun.elapsed());
                        assert_eq!(code_of(child), 0);
                    }
                })));
                let options = ClientOptions::new().shutdown_timeout(LONG).http_proxy("hush://me@@:x");
                let guard = sentry::init((dsn, options));
                capture_one("as if there were no proxy");
                ready();
                drop(guard);
                let took = TOOK.get().expect("a line about the proxy");
                assert!(*took < Duration::from_millis(400), "{took:?}");
            }
            "losses" => {
                let options = ClientOptions::new().shutdown_timeout(LONG);
                let _guard = sentry::init((dsn, options.before_send(|_| None)));
                let lose = |count| (0..count).for_each(|_| capture_one("lost"));
                lose(1);
                let Some(child) = forking::fork() else {
                    lose(8);
                    sentry::exit(0)
                };
                assert_eq!(code_of(child), 0);
                let Some(child) = forking::fork() else {
                    lose(16);
                    sentry::Hub::current().client().expect("one").flush(None);
                    sentry::exit(0)
                };
                assert_eq!(code_of(child), 0);
                lose(3);
                ready();
            }
            "forks" => fork_often(dsn),
            "forks while symbols are loaded" => {
                let options = ClientOptions::new().shutdown_timeout(LONG).attach_stacktrace(true);
                let _guard = sentry::init((dsn, options));
                let loading = || drop(sentry::integrations::backtrace::current_stacktrace());
                Builder::new().spawn(loading).expect("a thread");
                // It has begun by then, and takes longer.
                std::thread::sleep(Duration::from_millis(5));
                let Some(child) = forking::fork() else {
                    sentry::capture_message("from the child", Level::Info);
                    sentry::exit(0)
                };
                ready();
                assert_eq!(code_of(child), 0);
            }
            other => match PLACES.iter().find(|place| **place == other) {
                Some(place) => be_called_back(place, dsn),
                None => panic!("nothing is known about {other}"),
            },
        }
    }

    /// Silently: no hook is called.
    fn panic_if(scenario: &str) {
        if scenario.ends_with("panics") {
            std::panic::resume_unwind(Box::new("as it is called"));
        }
    }

    /// Nothing is sent after this.
    fn freeze(panicked: bool, scenario: &str) -> ! {
        assert_eq!(panicked, scenario.ends_with("panics"));
        ready();
        forking::exit_now(9)
    }

    fn wait_for_signals(dsn: &str) {
        let _guard = init(dsn, timeout());
        sentry::flush_on_signals().expect("a thread and a pipe");
        sentry::flush_on_signals().expect("twice is harmless");
        capture();
        ready();
        while sentry::Hub::current().client().is_some_and(|client| client.is_enabled()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        say("flushes");
        std::thread::sleep(LONG);
    }

    fn be_handled(dsn: &str, then: fn()) {
        let guard = init(dsn, LONG);
        sentry::flush_on_signals().expect("a thread and a pipe");
        then();
        capture();
        ready();
        for number in [1, 2] {
            while forking::handled() < number {
                std::thread::sleep(Duration::from_millis(1));
            }
            say(&format!("handled {number}"));
            if number == 1 {
                // The flush of the first signal is over before the second can be told from it.
                guard.flush(None);
                std::thread::sleep(Duration::from_millis(50));
                capture();
            }
        }
    }

    /// Does in a callback what the test is about, and comes out of it again if that was a fork.
    fn be_called_back(place: &'static str, dsn: &str) -> ! {
        if place == "panic hook" {
            // Ours calls it when the panic is captured.
            std::panic::set_hook(Box::new(|_| act()));
        }
        let is_trigger = |event: &sentry::protocol::Event<'_>| event.message.as_deref() == Some("trigger");
        let options = ClientOptions::new()
            .shutdown_timeout(LONG)
            .before_send(move |event| {
                let trigger = is_trigger(&event);
                if trigger && place == "before_send" {
                    act();
                }
                (!trigger).then_some(event)
            })
            .before_breadcrumb(|_| {
                act();
                None
            });
        let options = if place == "on_drop" { options.on_drop(|_| act()) } else { options };
        let _guard = sentry::init((dsn, options));
        capture();
        ready();
        match place {
            "before_send" | "on_drop" => capture_one("trigger"),
            "event processor" => sentry::with_scope(
                |scope| {
                    scope.add_event_processor(|_| {
                        act();
                        None
                    });
                },
                || capture_one("trigger"),
            ),
            "before_breadcrumb" => sentry::add_breadcrumb(sentry::Breadcrumb::default()),
            "diagnostics hook" => {
                sentry::diagnostics::set_hook(Some(std::sync::Arc::new(|_, line| {
                    if line == "trigger" {
                        act();
                    }
                })));
                sentry::diagnostics::warn(|| "trigger".to_owned());
            }
            "configure_scope" => sentry::configure_scope(|_| act()),
            "setup of with_scope" => sentry::with_scope(|_| act(), || ()),
            "with_scope" => sentry::with_scope(|_| (), act),
            "panic hook" => _ = std::panic::catch_unwind(|| panic!("expected by the test")),
            "thread-local destructor" => {
                struct Last;
                impl Drop for Last {
                    fn drop(&mut self) {
                        act();
                        come_back();
                    }
                }
                thread_local!(static LAST: Last = const { Last });
                let thread =
                    Builder::new().spawn(|| LAST.with(|_| capture_one("trigger"))).expect("a thread");
                thread.join().expect("does not return");
            }
            other => panic!("nobody is called back by {other}"),
        }
        come_back()
    }

    static FORKED: OnceLock<Option<forking::Child>> = OnceLock::new();

    fn act() {
        if variable(DETAIL).is_none() {
            sentry::exit(8);
        }
        FORKED.set(forking::fork()).expect("one fork");
    }

    fn come_back() -> ! {
        match FORKED.get().expect("the callback was called") {
            None => {
                capture_one("from the child");
                exit(0)
            }
            Some(child) => {
                assert_eq!(code_of(*child), 0);
                sentry::exit(8)
            }
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum ChildEnds {
        BySentry,
        ByStd,
        WithItsOwnClient,
        WithGrandchild,
    }

    fn how_child_ends(n: usize) -> ChildEnds {
        match n % 4 {
            0 => ChildEnds::BySentry,
            1 => ChildEnds::ByStd,
            2 => ChildEnds::WithItsOwnClient,
            _ => ChildEnds::WithGrandchild,
        }
    }

    fn fork_often(dsn: &str) {
        static OVER: AtomicBool = AtomicBool::new(false);
        // What is noise is lost on its way, after it has taken every lock but the queue's.
        let options = ClientOptions::new().shutdown_timeout(LONG).before_send(|event| {
            let noise = event.message.as_deref() == Some("noise");
            (!noise).then_some(event)
        });
        let guard = sentry::init((dsn, options));
        let capturing = || {
            for n in 1_u64.. {
                sentry::capture_message("noise", Level::Info);
                if n % 200 == 0 {
                    sentry::capture_message(&format!("noise {n}"), Level::Info);
                }
                if OVER.load(Ordering::Relaxed) {
                    return;
                }
            }
        };
        // The hub of the main thread is the one that goes on in the child.
        let main = sentry::Hub::main();
        let locking = move || {
            while !OVER.load(Ordering::Relaxed) {
                main.configure_scope(|scope| scope.set_tag("n", 1));
                main.capture_message("noise", Level::Info);
                (0..10_000).for_each(|_| drop((main.client(), main.last_event_id())));
            }
        };
        let global = || {
            while !OVER.load(Ordering::Relaxed) {
                sentry::configure_global_scope(|scope| scope.set_tag("global", 1));
                drop(sentry::Hub::new_from_top(sentry::Hub::main()));
            }
        };
        let noise = [
            Builder::new().spawn(capturing).expect("a thread"),
            Builder::new().spawn(locking).expect("a thread"),
            Builder::new().spawn(global).expect("a thread"),
        ];
        for n in 0..FORKS {
            sentry::capture_message(&format!("parent {n} a"), Level::Info);
            sentry::capture_message(&format!("parent {n} b"), Level::Info);
            let Some(child) = forking::fork() else { be_child(n, dsn) };
            let code = code_of(child);
            assert_eq!(code, 0, "child {n}, {:?}", how_child_ends(n));
        }
        OVER.store(true, Ordering::Relaxed);
        noise.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        ready();
        drop(guard);
    }

    fn be_child(n: usize, dsn: &str) -> ! {
        let capture = |who| _ = sentry::capture_message(&format!("{who} {n}"), Level::Info);
        match how_child_ends(n) {
            ChildEnds::BySentry => {
                capture("child");
                sentry::exit(0)
            }
            ChildEnds::ByStd => {
                capture("child");
                exit(0)
            }
            ChildEnds::WithItsOwnClient => {
                let guard = sentry::init((dsn, ClientOptions::new().shutdown_timeout(LONG)));
                capture("child");
                drop(guard);
                forking::exit_now(0)
            }
            ChildEnds::WithGrandchild => {
                capture("child");
                let Some(grandchild) = forking::fork() else {
                    capture("grandchild");
                    sentry::exit(0)
                };
                let code = code_of(grandchild);
                sentry::exit(code)
            }
        }
    }

    /// Its exit code; 100 if it hangs, 101 if it dies.
    fn code_of(child: forking::Child) -> i32 {
        child.wait(LONG).map_or(100, |status| status.code().unwrap_or(101))
    }

    fn init(dsn: &str, timeout: Duration) -> ClientInitGuard {
        sentry::init((dsn, ClientOptions::new().shutdown_timeout(timeout)))
    }

    fn timeout() -> Duration {
        if variable(DETAIL).as_deref() == Some(PATIENT) { LONG } else { TIMEOUT }
    }

    fn pending(dsn: &str) -> ClientInitGuard {
        let guard = init(dsn, timeout());
        capture();
        guard
    }

    fn capture() {
        (0..3).for_each(|n| _ = sentry::capture_message(&format!("event {n}"), Level::Info));
    }

    fn capture_one(message: &str) {
        sentry::capture_message(message, Level::Info);
    }

    #[expect(clippy::exit, reason = "what is under test")]
    fn exit(code: i32) -> ! {
        std::process::exit(code)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
    }

    fn ready() {
        say("ready");
    }

    fn say(line: &str) {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).expect("the test listens");
    }

    /// Its end, and how long it took after it was ready.
    fn run(scenario: &'static str, server: &Server) -> (ExitStatus, Duration) {
        finish(Program::start(scenario, server))
    }

    fn run_with(scenario: &'static str, server: &Server, detail: &str) -> (ExitStatus, Duration) {
        finish(Program::start_with(scenario, server, Some(detail)))
    }

    fn finish(mut program: Program) -> (ExitStatus, Duration) {
        program.wait_until_ready();
        let begun = now();
        (program.wait(), begun.elapsed())
    }

    struct Program {
        scenario: &'static str,
        child: Child,
        lines: BufReader<std::process::ChildStdout>,
    }

    impl Program {
        fn start(scenario: &'static str, server: &Server) -> Self {
            Self::start_with(scenario, server, None)
        }

        fn start_with(scenario: &'static str, server: &Server, detail: Option<&str>) -> Self {
            let program = std::env::current_exe().expect("a running program has a path");
            let mut child = Command::new(program)
                .envs(detail.map(|detail| (DETAIL, detail)))
                .env(SCENARIO, scenario)
                .env(DSN, server.dsn())
                .stdout(Stdio::piped())
                .spawn()
                .expect("the program starts");
            let lines = BufReader::new(child.stdout.take().expect("it is piped"));
            Self { scenario, child, lines }
        }

        fn line(&mut self) -> String {
            let mut line = String::new();
            self.lines.read_line(&mut line).expect("text");
            line.trim_end().to_owned()
        }

        fn wait_until_ready(&mut self) {
            assert_eq!(self.line(), "ready", "{}", self.scenario);
        }

        fn flushes(&mut self) -> bool {
            self.line() == "flushes"
        }

        fn signal(&self, number: i32) {
            forking::signal(self.child.id(), number);
        }

        fn wait(mut self) -> ExitStatus {
            self.child.wait().expect("a child")
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test measures with the clock of the system")]
    fn now() -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "a test program, not the SDK")]
    fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}
