//! Values, filters and mappers that do what they should not.

use super::*;

/// Panics when it is shown.
struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("expected by the test")
    }
}

/// Panics when it is asked for.
struct Breaks;

impl slog::KV for Breaks {
    fn serialize(&self, _: &Record<'_>, _: &mut dyn slog::Serializer) -> slog::Result {
        panic!("expected by the test")
    }
}

/// Captures and logs itself when it is shown.
struct Loud(Logger);

impl fmt::Display for Loud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        capture_message("from inside", sentry_core::Level::Error);
        error!(self.0, "again"; "value" => %self);
        f.write_str("loud")
    }
}

#[test]
fn a_value_that_panics_costs_its_own_text() {
    let log = logger().new(o!("service" => "shop"));
    let event = one_event(|| error!(log, "it broke"; "a" => 1, "bad" => %Panics, "z" => 2));
    assert_eq!(event.extra["bad"], "<the value panicked while formatting itself>");
    assert_eq!((&event.extra["a"], &event.extra["z"]), (&1.into(), &2.into()));
    let event = one_event(|| error!(log, "it {}", Panics));
    assert_eq!(event.message.as_deref(), Some("it <the value panicked while formatting itself>"));
    let event = one_event(|| error!(log, "it broke"; Breaks));
    assert_eq!(event.extra["service"], "shop", "the other list is read");
}

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("expected by the test")
    }
}

impl Error for Panics {}

#[test]
fn an_error_that_panics_is_an_exception_all_the_same() {
    let event = one_event(|| error!(logger(), "it broke"; "error" => #Panics));
    assert_eq!(event.exception.len(), 1);
    assert_eq!(event.extra["error"], "<the value panicked while formatting itself>");
}

#[test]
fn a_value_that_logs_does_not_recurse() {
    let (log, inner) = (logger(), Inner::default());
    let drain = SentryDrain::new(inner.clone().map_err(drop).ignore_res());
    let loud = Logger::root(drain, o!());
    let event = one_event(|| error!(log, "it broke"; "value" => %Loud(loud.clone())));
    assert_eq!(event.extra["value"], "loud");
    assert_eq!(inner.0.load(Ordering::SeqCst), 1, "others still get the inner record");
}

#[test]
fn a_mapper_that_logs_does_not_recurse_and_may_capture() {
    let drain = SentryDrain::new(Discard).mapper(|record, values| {
        error!(logger(), "from inside");
        capture_message("the mapper's own", sentry_core::Level::Info);
        RecordMapping::Event(Box::new(event_from_record(record, values)))
    });
    let log = Logger::root(drain, o!());
    let events = with_captured_events(|| error!(log, "it broke"));
    let said: Vec<_> = events.iter().filter_map(|event| event.message.as_deref()).collect();
    assert_eq!(said, ["the mapper's own", "it broke"]);
}

#[test]
fn a_filter_or_a_mapper_that_panics_costs_what_it_would_have_made() {
    let inner = Inner::default();
    let drain = SentryDrain::new(inner.clone()).filter(|_| panic!("expected by the test"));
    let log = Logger::root(drain.ignore_res(), o!());
    assert!(with_captured_events(|| error!(log, "it broke")).is_empty());
    with_captured_events(|| assert!(!log.is_debug_enabled()));
    let drain = SentryDrain::new(inner.clone()).mapper(|_, _| panic!("expected by the test"));
    let log = Logger::root(drain.ignore_res(), o!());
    let events = with_captured_events(|| (0..2).for_each(|_| error!(log, "it broke")));
    assert!(events.is_empty());
    assert_eq!(inner.0.load(Ordering::SeqCst), 3);
    assert_eq!(with_captured_events(|| error!(logger(), "later")).len(), 1, "the thread is free again");
}

#[test]
fn sizes_are_bounded() {
    let log = logger();
    let event = one_event(|| error!(log, "{}", "m".repeat(1_000_000); "long" => "x".repeat(1_000_000)));
    assert!(event.message.unwrap().len() < 70_000);
    assert!(event.extra["long"].as_str().is_some_and(|text| text.len() < 17_000 && text.ends_with('…')));

    /// So many pairs, each with a text of ten letters.
    struct Many(usize, Cell<usize>);
    impl slog::KV for &Many {
        fn serialize(&self, _: &Record<'_>, serializer: &mut dyn slog::Serializer) -> slog::Result {
            const KEYS: [&str; 100] = keys();
            (0..self.0).try_for_each(|number| {
                self.1.set(number);
                serializer.emit_str(KEYS[number % KEYS.len()], &"x".repeat(10_000))
            })
        }
    }
    let many = Many(1_000_000, Cell::new(0));
    let event = one_event(|| error!(log, "many"; &many));
    let size: usize = event.extra.values().filter_map(|value| value.as_str()).map(str::len).sum();
    assert!((200_000..300_000).contains(&size), "{size}");
    assert!(many.1.get() < 100, "what has no room is not asked for");
}

const fn keys() -> [&'static str; 100] {
    let text = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
    let mut keys = [""; 100];
    let mut length = 0;
    while length < keys.len() {
        (_, keys[length]) = text.split_at(length);
        length += 1;
    }
    keys
}
