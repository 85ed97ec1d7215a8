//! Programs that fork, exit and get signals: what they captured arrives, once, and they end as they would without the SDK.
//!
//! Each scenario is a process of its own. The test program runs itself with the scenario's name in its environment.

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(unix)]
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

    /// `shutdown_timeout` where the server does not answer.
    const TIMEOUT: Duration = Duration::from_millis(500);
    const LONG: Duration = Duration::from_secs(20);
    const FORKS: usize = 50;

    pub(super) fn main() {
        if let (Some(scenario), Some(dsn)) = (variable(SCENARIO), variable(DSN)) {
            return play(&scenario, &dsn);
        }
        let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
        let tests: [(&str, fn()); 8] = [
            ("exits_deliver_what_is_pending", exits_deliver_what_is_pending),
            ("exits_end_in_time", exits_end_in_time),
            ("signals_deliver_what_is_pending", signals_deliver_what_is_pending),
            ("a_second_signal_ends_at_once", a_second_signal_ends_at_once),
            ("signals_of_others_stay_theirs", signals_of_others_stay_theirs),
            ("handlers_return_when_everything_is_sent", handlers_return_when_everything_is_sent),
            ("forked_children_deliver_their_own", forked_children_deliver_their_own),
            ("a_fork_while_symbols_are_loaded_is_no_harm", a_fork_while_symbols_are_loaded_is_no_harm),
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
            let (status, _) = run(scenario, &server);
            assert_eq!(status.code(), Some(code), "{scenario}: {status}");
            assert_eq!(server.events().len(), 3, "{scenario}");
            server.assert_clean();
        }
    }

    fn exits_end_in_time() {
        for (scenario, code) in [("sentry::exit", 3), ("std::process::exit", 4), ("exit on a thread", 6)] {
            let server = Server::builder().otherwise(Reply::hang()).start();
            let best = (0..3)
                .map(|_| {
                    let (status, elapsed) = run(scenario, &server);
                    assert_eq!(status.code(), Some(code), "{scenario}: {status}");
                    elapsed
                })
                .min();
            println!("{scenario}: ends in {best:?} with a server that hangs");
            let promised = TIMEOUT + Duration::from_millis(50);
            assert!(best.is_some_and(|best| best <= promised), "{scenario}: {best:?}");
        }
    }

    fn signals_deliver_what_is_pending() {
        for number in [SIGTERM, SIGINT] {
            let server = Server::builder().latency(Duration::from_millis(100)).start();
            let mut program = Program::start("waits for signals", &server);
            program.wait_until_ready();
            program.signal(number);
            let status = program.wait();
            assert_eq!(status.signal(), Some(number), "{status}");
            assert_eq!(server.events().len(), 3, "signal {number}");

            let server = Server::builder().otherwise(Reply::hang()).start();
            let mut program = Program::start("waits for signals", &server);
            program.wait_until_ready();
            let begun = now();
            program.signal(number);
            assert_eq!(program.wait().signal(), Some(number));
            println!("signal {number}: ends in {:?} with a server that hangs", begun.elapsed());
            assert!(begun.elapsed() < TIMEOUT + Duration::from_millis(500), "{:?}", begun.elapsed());
        }
    }

    fn a_second_signal_ends_at_once() {
        let server = Server::builder().otherwise(Reply::hang()).start();
        let mut program = Program::start("waits for long", &server);
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
                let _guard = init(dsn, TIMEOUT * 10);
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
            "waits for signals" => wait_for_signals(dsn, TIMEOUT),
            "waits for long" => wait_for_signals(dsn, LONG),
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
            other => panic!("nothing is known about {other}"),
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

    fn wait_for_signals(dsn: &str, timeout: Duration) {
        let _guard = init(dsn, timeout);
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

    fn pending(dsn: &str) -> ClientInitGuard {
        let guard = init(dsn, TIMEOUT);
        capture();
        guard
    }

    fn capture() {
        (0..3).for_each(|n| _ = sentry::capture_message(&format!("event {n}"), Level::Info));
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
        let mut program = Program::start(scenario, server);
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
            let program = std::env::current_exe().expect("a running program has a path");
            let mut child = Command::new(program)
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
