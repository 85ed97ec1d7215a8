//! Turning what was captured into a complete event: scope, stack, integrations, constants.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::{context_tags, intern};
use crate::error;
use crate::integration;
use crate::lean::Known;
use crate::options::ClientOptions;
use crate::outbound::{Outbound, OutboundItem};
use crate::protocol::{ClientSdkInfo, ClientSdkPackage, Event, Level, Stacktrace, Thread, Transaction};
use crate::suppress::guarded;
use crate::trace;

/// What a client adds to all its events; shared with the items that are on their way.
pub(crate) struct Completion {
    options: ClientOptions,
    sdk: Cow<'static, ClientSdkInfo>,
    known: Known,
}

impl Completion {
    pub(super) fn new(mut options: ClientOptions) -> Self {
        for constant in
            [&mut options.release, &mut options.environment, &mut options.dist, &mut options.server_name]
        {
            intern::text(constant);
        }
        let sdk = sdk_of(&options);
        Self { options, sdk, known: Known::default() }
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.options
    }

    /// What its last events had in common.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    pub(crate) fn sdk(&self) -> Cow<'static, ClientSdkInfo> {
        self.sdk.clone()
    }

    pub(super) fn has_stack(event: &Event<'_>) -> bool {
        event.stacktrace.is_some()
            || event.exception.iter().any(|exception| exception.stacktrace.is_some())
            || event.threads.iter().any(|thread| thread.stacktrace.is_some())
    }

    fn complete_event(&self, event: &mut Event<'static>, whose: Whose) {
        enrich(&self.options, event, whose);
        let options = &self.options;
        context_tags::apply(&options.context_tags, event);
        fill(&mut event.release, options.release.as_ref());
        fill(&mut event.environment, options.environment.as_ref());
        fill(&mut event.dist, options.dist.as_ref());
        fill(&mut event.server_name, options.server_name.as_ref());
        if event.platform == "other" {
            event.platform = Cow::Borrowed("native");
        }
        if event.sdk.is_none() {
            event.sdk = Some(self.sdk.clone());
        }
    }

    fn complete_transaction(&self, transaction: &mut Transaction<'static>) {
        // Contexts of integrations reach transactions through an event that stands in for it.
        let contexts = std::mem::take(&mut transaction.contexts);
        let mut event = Event { contexts, ..Event::default() };
        self.complete_event(&mut event, Whose::All);
        transaction.contexts = event.contexts;
        fill(&mut transaction.release, self.options.release.as_ref());
        fill(&mut transaction.environment, self.options.environment.as_ref());
        fill(&mut transaction.dist, self.options.dist.as_ref());
        fill(&mut transaction.server_name, event.server_name.as_ref());
        if transaction.platform == "other" {
            transaction.platform = Cow::Borrowed("native");
        }
        if transaction.sdk.is_none() {
            transaction.sdk = Some(self.sdk.clone());
        }
    }
}

/// What a client with these options says of itself.
pub(crate) fn sdk_of(options: &ClientOptions) -> Cow<'static, ClientSdkInfo> {
    let integrations = options.integrations.iter().map(|integration| integration.name().to_owned()).collect();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    intern::sdk(ClientSdkInfo {
        name: "sentry.rust".to_owned(),
        packages: vec![ClientSdkPackage { name: "cargo:sentry".to_owned(), version: version.clone() }],
        version,
        integrations,
    })
}

/// Which integrations add to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    All,
    /// Those that only add: in a panic hook no others may run.
    Ours,
    /// Those that remain to be asked after that.
    Others,
}

/// Lets integrations add to an event.
pub(crate) fn enrich(options: &ClientOptions, event: &mut Event<'static>, whose: Whose) {
    for integration in &options.integrations {
        // An integration may be the user's: it must not take the worker down.
        let _ = guarded("integration", || {
            if whose == Whose::All || (whose == Whose::Others) == integration.processes_events() {
                integration.enrich(event, options);
            }
        });
    }
}

fn fill(slot: &mut Option<Cow<'static, str>>, value: Option<&Cow<'static, str>>) {
    if slot.is_none() {
        *slot = value.cloned();
    }
}

/// How long loading symbols may hold up a thread whose callbacks want to see them. Later events find them cached.
pub(super) const RESOLVE_TIMEOUT_OF_CALLER: Duration = Duration::from_secs(1);

impl Outbound {
    /// The complete event, on the capturing thread, without the users' callbacks.
    pub(super) fn complete(&mut self) -> Event<'static> {
        let now = crate::clock::instant();
        // A panicking thread may hold any lock and has no time: what is not cached stays an address.
        let deadline = if std::thread::panicking() { now } else { now + RESOLVE_TIMEOUT_OF_CALLER };
        self.build_event(Some(deadline))
    }

    /// Takes the item apart; what is left of it is an empty message.
    pub(crate) fn build_event(&mut self, deadline: Option<Instant>) -> Event<'static> {
        let mut event = self.seed();
        event.event_id = self.id;
        let Some(completion) = &self.completion else { return event };
        if !self.is_raw {
            integration::preprocess(&completion.options, &mut event);
        }
        self.scope.apply_to_event(&mut event, completion.options.max_breadcrumbs);
        self.scope.apply_request(&mut event.request, || completion.options.collection().into_owned());
        let stack = completion.options.stack_source.as_ref().zip(self.stack.as_ref());
        let resolve = || stack.and_then(|(source, stack)| source.resolve(stack, deadline));
        // Names are for whoever finishes it.
        let bare = stack.filter(|_| self.is_raw).and_then(|(source, stack)| source.bare(stack));
        let is_bare = bare.is_some();
        let is_attached = bare.or_else(resolve).is_some_and(|it| attach(&mut event, it, self.thread.take()));
        completion.complete_event(&mut event, if self.is_raw { Whose::Ours } else { Whose::All });
        if is_bare && is_attached && event.debug_meta.images.is_empty() {
            // Without the list of images nobody could.
            if let (Some(resolved), Some(slot)) = (resolve(), slot(&mut event)) {
                *slot = Some(resolved);
            }
        }
        event
    }

    /// Completes a transaction. Symbols for the places of slow queries are loaded until `deadline`.
    pub(crate) fn complete_transaction(&mut self, deadline: Instant) {
        self.develop(deadline);
        let (OutboundItem::Transaction(transaction), Some(completion)) = (&mut self.item, &self.completion)
        else {
            return;
        };
        self.scope.apply_to_transaction(transaction);
        let collection = || completion.options.collection().into_owned();
        self.scope.apply_request(&mut transaction.request, collection);
        completion.complete_transaction(transaction);
    }

    /// Gives a recorded transaction its wire form.
    pub(super) fn develop(&mut self, deadline: Instant) {
        let nothing = OutboundItem::Message { level: Level::Error, text: String::new() };
        self.item = match (std::mem::replace(&mut self.item, nothing), &self.completion) {
            (OutboundItem::Recorded(recorded), Some(completion)) => {
                let transaction = recorded.into_transaction(self.id, &completion.options, deadline);
                OutboundItem::Transaction(Box::new(transaction))
            }
            (item, _) => item,
        };
    }

    /// What the capture itself brought.
    pub(crate) fn seed(&mut self) -> Event<'static> {
        let nothing = OutboundItem::Message { level: Level::Error, text: String::new() };
        let blank = |level| Event { level, ..Event::blank(self.id, self.time) };
        match std::mem::replace(&mut self.item, nothing) {
            OutboundItem::Message { level, text } => Event { message: Some(text), ..blank(level) },
            OutboundItem::Error { level, chain } => {
                Event { exception: error::into_exceptions(chain).into(), ..blank(level) }
            }
            OutboundItem::Event(given) => *given,
            OutboundItem::Lean(event) | OutboundItem::Completed(event) => event.into_event(self.id),
            OutboundItem::Recorded(_)
            | OutboundItem::Transaction(_)
            | OutboundItem::Telemetry(_)
            | OutboundItem::Envelope(_) => blank(Level::Error),
        }
    }

    /// The dynamic sampling context of the trace the item belongs to.
    pub(crate) fn dynamic_sampling_context(&self) -> Option<crate::protocol::DynamicSamplingContext> {
        let options = self.completion.as_ref()?.options();
        trace::dynamic_sampling_context(&self.scope, options)
    }
}

/// A stack belongs to the outermost exception; an event without one gets it as its current thread. Tells whether there was
/// room for it.
fn attach(event: &mut Event<'static>, stacktrace: Stacktrace, thread: Option<Arc<Thread>>) -> bool {
    if event.exception.is_empty() {
        let thread = thread.map(Arc::unwrap_or_clone).unwrap_or_default();
        event.threads.values.push(Thread { stacktrace: Some(stacktrace), current: true, ..thread });
        return true;
    }
    let slot = slot(event).filter(|slot| slot.is_none());
    slot.map(|slot| *slot = Some(stacktrace)).is_some()
}

/// Where a stack was attached.
fn slot<'e>(event: &'e mut Event<'static>) -> Option<&'e mut Option<Stacktrace>> {
    let Event { exception, threads, .. } = event;
    let of_exception = exception.last_mut().map(|exception| &mut exception.stacktrace);
    of_exception.or_else(|| threads.last_mut().map(|thread| &mut thread.stacktrace))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::protocol::{Addr, DebugImage, DebugMeta, Exception, Frame, ProguardDebugImage, Uuid};
    use crate::sync::lock;
    use crate::{Class, Client, Hub, Integration, RawStack, StackSource};

    #[derive(Debug)]
    struct Source;

    impl StackSource for Source {
        fn capture(&self) -> RawStack {
            RawStack { addresses: [7].into() }
        }

        fn resolve(&self, _: &RawStack, _: Option<Instant>) -> Option<Stacktrace> {
            Stacktrace::from_frames_reversed(vec![Frame {
                function: Some("named".into()),
                ..Frame::default()
            }])
        }

        fn bare(&self, stack: &RawStack) -> Option<Stacktrace> {
            let address = Some(Addr::from(stack.addresses[0]));
            Stacktrace::from_frames_reversed(vec![Frame { instruction_addr: address, ..Frame::default() }])
        }
    }

    struct Images;

    impl Integration for Images {
        fn enrich(&self, event: &mut Event<'static>, _: &ClientOptions) {
            let images = vec![DebugImage::Proguard(ProguardDebugImage { uuid: Uuid::nil() })];
            event.debug_meta = Cow::Owned(DebugMeta { images, ..DebugMeta::default() });
        }

        fn processes_events(&self) -> bool {
            false
        }
    }

    #[derive(Default)]
    struct Queue(Mutex<Vec<Outbound>>);

    impl crate::Transport for Queue {
        fn send_envelope(&self, _: crate::protocol::Envelope) {}

        fn send(&self, outbound: Outbound) {
            lock(&self.0).push(outbound);
        }
    }

    /// The frame of a crash as it is stored, and as it is sent.
    fn frames(options: ClientOptions, event: &Event<'static>) -> [Frame; 2] {
        let queue = Arc::<Queue>::default();
        let mut options = options.dsn("https://public@sentry.invalid/1");
        options.transport = Some(Arc::new(Arc::clone(&queue)));
        options.stack_source = Some(Arc::new(Source));
        let client = Arc::new(Client::with_options(options));
        let hub = Arc::new(Hub::new(Some(client), Arc::default()));
        Hub::run(hub, || Hub::current().capture_fatal(event.clone(), Some(Source.capture()), Class::Normal));
        let item = lock(&queue.0).remove(0);
        [item.unfinished().unwrap(), item.finish()].map(|envelope| {
            let mut event = envelope.event().unwrap().clone();
            slot(&mut event).unwrap().take().unwrap().frames.remove(0)
        })
    }

    #[test]
    fn names_are_left_to_whoever_finishes_a_crash_if_that_can_be_done() {
        let of_exception = Event { exception: vec![Exception::default()].into(), ..Event::default() };
        for event in [of_exception, Event::default()] {
            let [stored, sent] = frames(ClientOptions::new().add_integration(Images), &event);
            assert_eq!((stored.function, stored.instruction_addr), (None, Some(Addr(7))));
            assert_eq!(sent.function.as_deref(), Some("named"));
            let [stored, _] = frames(ClientOptions::new(), &event);
            assert_eq!(stored.function.as_deref(), Some("named"), "without images");
        }
    }
}
