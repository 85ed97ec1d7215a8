//! Panics, as the hook reports them. The hook is process-wide: this is a process of its own.
#![cfg(target_os = "linux")]

use std::cell::RefCell;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use sentry_core::protocol::{Envelope, Event, Level, ThreadId};
use sentry_core::{Client, ClientOptions, Hub, Outbound, StackSource, Transport, TransportFactory};
use sentry_panic::backtrace::ProcessStacktraceIntegration;
use sentry_panic::{NativeStackSource, PanicIntegration};

/// Keeps what it gets, unfinished, as the worker's queue would.
#[derive(Default)]
struct Queue {
    items: Mutex<Vec<Outbound>>,
    flushes: AtomicUsize,
    print: bool,
}

impl Queue {
    fn events(&self) -> Vec<Event<'static>> {
        let items = std::mem::take(&mut *locked(&self.items));
        items.into_iter().filter_map(|item| item.finish().event().cloned()).collect()
    }
}

impl Transport for Queue {
    fn send_envelope(&self, _envelope: Envelope) {}

    fn send(&self, outbound: Outbound) {
        if self.print {
            let class = outbound.class();
            let envelope = outbound.finish();
            let exception = &envelope.event().unwrap().exception.values[0];
            let linked = exception.mechanism.as_ref().unwrap().data.contains_key("previous_event");
            say(&format!("{class:?} {:?} linked={linked}", exception.value.as_deref().unwrap_or_default()));
        } else {
            locked(&self.items).push(outbound);
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        if self.print {
            say(&format!("flush {timeout:?}"));
        }
        true
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// To the parent, which runs the child with `--nocapture`.
fn say(line: &str) {
    println!("{line}");
}

fn options(queue: &Arc<Queue>, integration: PanicIntegration) -> ClientOptions {
    let factory: Arc<dyn TransportFactory> = Arc::new(Arc::clone(queue));
    let mut options =
        ClientOptions::new().add_integration(integration).add_integration(ProcessStacktraceIntegration);
    options.dsn = "https://public@sentry.invalid/1".parse().ok();
    options.transport = Some(factory);
    options.stack_source = Some(Arc::new(NativeStackSource::for_options(&options)));
    options
}

fn hub(queue: &Arc<Queue>, integration: PanicIntegration) -> Arc<Hub> {
    let client = Arc::new(Client::with_options(options(queue, integration)));
    Arc::new(Hub::new(Some(client), Arc::default()))
}

fn spawn(f: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().name("invoice-worker".into()).spawn(f).unwrap()
}

/// Runs `f` on a thread of its own, with a hub of its own, and returns the events.
fn events_of(
    integration: PanicIntegration,
    f: impl FnOnce() + Send + 'static,
) -> (Vec<Event<'static>>, usize) {
    let queue = Arc::new(Queue::default());
    let hub = hub(&queue, integration);
    let _ = spawn(move || Hub::run(hub, f)).join();
    (queue.events(), queue.flushes.load(Ordering::Relaxed))
}

#[inline(never)]
fn print_invoice(lines: &[u32]) -> u32 {
    lines.iter().copied().max().expect("an invoice has lines") // THE PANIC
}

#[test]
fn a_panic_arrives_with_message_place_thread_and_stack() {
    let (events, flushes) = events_of(PanicIntegration::new(), || {
        print_invoice(&[]);
    });
    assert_eq!((events.len(), flushes), (1, 0), "nothing waits for a panic that may be caught");
    let event = &events[0];
    assert_eq!(event.level, Level::Fatal);
    let exception = &event.exception.values[0];
    assert_eq!((exception.ty.as_str(), exception.value.as_deref()), ("panic", Some("an invoice has lines")));

    let mechanism = exception.mechanism.as_ref().unwrap();
    assert_eq!((mechanism.ty.as_str(), mechanism.handled), ("panic", Some(false)));
    let text = include_str!("hook.rs");
    let line = text.lines().position(|line| line.contains("// THE PANIC")).unwrap() + 1;
    let column = text.lines().nth(line - 1).unwrap().find("expect").unwrap() + 1;
    let location = mechanism.data["location"].as_str().unwrap();
    assert!(location.ends_with(&format!("tests/hook.rs:{line}:{column}")), "{location}");

    let thread = &event.threads.values[0];
    assert_eq!(
        (thread.name.as_deref(), thread.crashed, thread.current),
        (Some("invoice-worker"), true, true)
    );
    assert!(matches!(thread.id, Some(ThreadId::Int(id)) if id > 0));
    assert_eq!(thread.id, exception.thread_id);
    assert!(thread.stacktrace.is_none(), "the exception has it");

    let frames = &exception.stacktrace.as_ref().unwrap().frames;
    let last = frames.last().unwrap();
    assert!(last.function.as_deref().unwrap().ends_with("print_invoice"), "{last:#?}");
    assert_eq!((last.lineno, last.in_app), (u64::try_from(line).ok(), Some(true)));
    assert!(last.context_line.as_ref().unwrap().contains("// THE PANIC"));
    let named = |part: &str| {
        frames.iter().any(|frame| frame.function.as_ref().is_some_and(|name| name.contains(part)))
    };
    assert!(named("a_panic_arrives_with_message_place_thread_and_stack::{"));
    assert!(!named("rust_begin_unwind") && !named("thread_start") && !named("__rust_begin_short_backtrace"));
}

#[test]
fn extractors_come_first_and_their_events_get_the_stack() {
    let ours = |payload: &str| Event { message: Some(payload.to_owned()), ..Event::default() };
    let integration = PanicIntegration::new()
        .add_extractor(|_| None)
        .add_extractor(move |info| {
            info.payload().downcast_ref::<i32>().map(|number| ours(&format!("number {number}")))
        })
        .add_extractor(|_| panic!("never asked"));
    let (events, _) = events_of(integration, || std::panic::panic_any(42));
    assert_eq!(events[0].message.as_deref(), Some("number 42"));
    let stacktrace = events[0].threads.values[0].stacktrace.as_ref().unwrap();
    assert!(stacktrace.frames.iter().any(|frame| frame.in_app == Some(true)));
}

#[test]
fn what_is_thrown_without_a_message_still_arrives() {
    let (events, _) = events_of(PanicIntegration::new(), || std::panic::panic_any(1.5));
    assert_eq!(events[0].exception.values[0].value.as_deref(), Some("Box<Any>"));
    let (events, _) = events_of(PanicIntegration::new(), || {
        std::panic::panic_any(std::io::Error::other("disk full"));
    });
    assert_eq!(events[0].exception.values[0].value.as_deref(), Some("disk full"));
}

#[test]
fn our_own_work_does_not_report_itself() {
    let (events, _) = events_of(PanicIntegration::new(), || sentry_core::suppress(|| panic!("inside")));
    assert!(events.is_empty());
}

#[test]
fn a_client_without_the_integration_gets_no_panics() {
    let queue = Arc::new(Queue::default());
    let mut options = options(&queue, PanicIntegration::new());
    options.integrations.clear();
    let hub = Arc::new(Hub::new(Some(Arc::new(Client::with_options(options))), Arc::default()));
    let _ = spawn(move || Hub::run(hub, || panic!("not mine"))).join();
    assert!(queue.events().is_empty());
}

#[test]
fn events_built_by_hand_in_a_hook_have_their_stack() {
    // The hook has half a second for names, and reading the symbols for the first time may take longer.
    let source = NativeStackSource::new();
    source.resolve(&source.capture(), None);
    let named = (0..20).any(|_| {
        let event = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&event);
        let integration = PanicIntegration::new().add_extractor(move |info| {
            *locked(&seen) = Some(PanicIntegration::new().event_from_panic_info(info));
            None
        });
        let (events, _) = events_of(integration, || {
            print_invoice(&[]);
        });
        assert_eq!(events.len(), 1);
        let event = locked(&event).take().unwrap();
        let frames = &event.exception.values[0].stacktrace.as_ref().unwrap().frames;
        let function = frames.last().unwrap().function.as_deref();
        assert!(function.is_none_or(|name| name.ends_with("print_invoice")), "{frames:#?}");
        function.is_some()
    });
    assert!(named);
}

// Child processes: what ends in an abort.

#[test]
fn a_panic_while_unwinding_is_linked_and_its_end_waits_for_delivery() {
    let output = child("child_panics_in_drop");
    assert!(!output.status.success());
    let lines = lines(&output);
    let expected =
        [r#"Normal "first" linked=false"#, r#"Normal "in drop" linked=true"#, "flush 2s", "previous hook"];
    let rest: Vec<_> = lines.iter().filter(|line| **line != "previous hook").collect();
    assert_eq!(rest, expected[..3].iter().collect::<Vec<_>>(), "{lines:?}");
    assert_eq!(lines.last(), Some(&expected[3]), "the previous hook runs after ours");
}

#[test]
fn a_panic_that_may_not_unwind_waits_for_delivery() {
    let output = child("child_panics_in_extern_c");
    let lines = lines(&output);
    let rest: Vec<_> = lines.iter().filter(|line| **line != "previous hook").collect();
    assert_eq!(rest, [&r#"Normal "first" linked=false"#, &"flush 2s"], "{lines:?}");
}

#[test]
fn a_panic_in_the_destructor_of_a_thread_local_arrives() {
    let output = child("child_panics_in_thread_local");
    let lines = lines(&output);
    assert!(lines.contains(&r#"Normal "while the thread ends" linked=false"#), "{lines:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("while processing panic"), "{errors}");
}

#[test]
#[ignore = "runs as a child"]
fn child_panics_in_drop() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    in_child();
    let _bomb = Bomb;
    panic!("first");
}

#[test]
#[ignore = "runs as a child"]
fn child_panics_in_extern_c() {
    extern "C" fn callback() {
        panic!("first");
    }
    in_child();
    callback();
}

#[test]
#[ignore = "runs as a child"]
fn child_panics_in_thread_local() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("while the thread ends");
        }
    }
    thread_local!(static BOMB: RefCell<Option<Bomb>> = const { RefCell::new(None) });
    in_child();
    let thread = spawn(|| {
        // The bomb is registered first, so it goes off last, when the hub of the thread is gone.
        BOMB.with(|bomb| *bomb.borrow_mut() = Some(Bomb));
        sentry_core::add_breadcrumb(sentry_core::Breadcrumb::default());
    });
    let _ = thread.join();
}

/// A process-wide client that prints what it gets, over a previous hook that prints that it ran.
fn in_child() {
    std::panic::set_hook(Box::new(|_| say("previous hook")));
    let queue = Arc::new(Queue { print: true, ..Queue::default() });
    let client = Arc::new(Client::with_options(options(&queue, PanicIntegration::new())));
    sentry_core::bind_process_client(client);
}

fn child(test: &str) -> Output {
    let exe = std::env::current_exe().unwrap();
    Command::new(exe)
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap()
}

/// What the child said, without what the test harness says.
fn lines(output: &Output) -> Vec<&str> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    let ours = |line: &&str| {
        ["Normal ", "Fatal ", "flush ", "previous "].iter().any(|start| line.starts_with(start))
    };
    // The harness begins the line of a test and does not end it.
    text.lines().map(|line| line.rsplit(" ... ").next().unwrap_or(line)).filter(ours).collect()
}
