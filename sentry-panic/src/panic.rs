//! The integration that reports panics.
//!
//! ```
//! use std::sync::Arc;
//! use sentry_core::{Client, ClientOptions};
//!
//! let options = ClientOptions::new().add_integration(sentry_panic::PanicIntegration::new());
//! let client = Arc::new(Client::from(options));
//! ```

use std::fmt;
use std::panic::PanicHookInfo;

use sentry_core::protocol::Event;
use sentry_core::{ClientOptions, Integration, StackSource, clock};

use crate::backtrace::{NativeStackSource, capture};
use crate::facts::{self, Facts};
use crate::{hook, payload, thread};

/// Makes an event of a panic, or leaves it to the next one.
type Extractor = Box<dyn Fn(&PanicHookInfo<'_>) -> Option<Event<'static>> + Send + Sync>;

/// Reports panics of all threads.
///
/// Installs a panic hook, once per process, that runs before the previous one. The event gets the exception type
/// `panic`, the level fatal, the panic's message, its thread, and its location in `mechanism.data.location`.
#[derive(Default)]
pub struct PanicIntegration {
    extractors: Vec<Extractor>,
}

impl PanicIntegration {
    /// An integration without extractors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function that makes the event of panics it knows. The first `Some` wins.
    ///
    /// It runs inside of the panic hook: if it panics itself, std aborts the process.
    #[must_use]
    pub fn add_extractor<F>(mut self, f: F) -> Self
    where
        F: Fn(&PanicHookInfo<'_>) -> Option<Event<'static>> + Send + Sync + 'static,
    {
        self.extractors.push(Box::new(f));
        self
    }

    /// The event of a panic, with a stack trace unless an extractor made it.
    ///
    /// For hooks of your own. Unlike our hook, it resolves the stack on the spot, which may load symbols.
    #[must_use]
    pub fn event_from_panic_info(&self, info: &PanicHookInfo<'_>) -> Event<'static> {
        if let Some(event) = self.extract(info) {
            return event;
        }
        let marker = 0_u8;
        let stack = capture::above(capture::address_of(&marker));
        let deadline = clock::instant() + std::time::Duration::from_millis(500);
        let mut event = Facts::of(info).into_event();
        if let Some(exception) = event.exception.values.last_mut() {
            exception.stacktrace = NativeStackSource::new().resolve(&stack, Some(deadline));
        }
        event
    }

    /// The event of a panic; the stack is attached where the event is completed.
    pub(crate) fn event(&self, info: &PanicHookInfo<'_>) -> Event<'static> {
        self.extract(info).unwrap_or_else(|| Facts::of(info).into_event())
    }

    fn extract(&self, info: &PanicHookInfo<'_>) -> Option<Event<'static>> {
        self.extractors.iter().find_map(|extractor| extractor(info))
    }
}

impl Integration for PanicIntegration {
    fn name(&self) -> &'static str {
        "panic"
    }

    fn setup(&self, _options: &mut ClientOptions) {
        hook::install();
    }

    /// The other threads, by name and state. Only while the process runs that panicked, and not on the thread that panics.
    fn enrich(&self, event: &mut Event<'static>, _options: &ClientOptions) {
        if std::thread::panicking() || event.threads.len() != 1 {
            return;
        }
        let mechanism = event.exception.last().and_then(|exception| exception.mechanism.as_ref());
        let of_panic = mechanism.filter(|mechanism| mechanism.ty == "panic");
        if let Some(number) = of_panic.and_then(|mechanism| mechanism.data.get(facts::THREAD)?.as_u64()) {
            event
                .threads
                .values
                .iter_mut()
                .for_each(|own| own.main = thread::is_main(number).then_some(true));
            event.threads.values.extend(thread::others(number));
        }
    }

    fn processes_events(&self) -> bool {
        false
    }
}

impl fmt::Debug for PanicIntegration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicIntegration").field("extractors", &self.extractors.len()).finish()
    }
}

/// The text of a panic made by `panic!`; `"Box<Any>"` for other payloads.
#[must_use]
pub fn message_from_panic_info<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    payload::text(info.payload())
}

/// Reports a panic. For panic hooks of your own; the integration's hook calls it by itself.
pub fn panic_handler(info: &PanicHookInfo<'_>) {
    let marker = 0_u8;
    hook::handle(info, capture::address_of(&marker));
}
