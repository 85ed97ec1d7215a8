//! The users' callbacks: in which order they are asked, and on which thread.
//!
//! They see a complete event on the thread that captured it, as their authors expect. What a panic hook captures is the
//! exception: a panic in a callback would end the process there, and no `catch_unwind` prevents that. Such an item takes
//! its callbacks along ([`Unseen`]), and they are asked where it is finished, normally on the worker.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::hint::{Hint, PanicInfo};
use crate::lean::LeanEvent;
use crate::options::{ClientOptions, errors_of};
use crate::outbound::{Outbound, OutboundItem};
use crate::protocol::Event;
use crate::protocol::client_report::{Category, Reason};
use crate::scope::ScopeSnapshot;
use crate::suppress::{guarded, suppress};
use crate::{nesting, rng};

/// How long a panic hook waits for callbacks, for transports that finish on the capturing thread.
const PATIENCE: Duration = Duration::from_secs(1);

/// What came of asking callbacks that had not seen an item when it was captured. Clones of the item share it: whatever
/// the number of destinations, they are asked once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unseen(Arc<OnceLock<Option<Box<LeanEvent>>>>);

/// Event processors of the scopes, then of the integrations, then `before_send`. The error says who dropped the event,
/// which is not counted yet.
pub(crate) fn ask(
    options: &ClientOptions,
    event: Event<'static>,
    scope: &ScopeSnapshot,
    hint: &Hint<'_>,
) -> Result<Event<'static>, Reason> {
    let id = event.event_id;
    let mut event = process(options, event, scope)?;
    if let Some(before_send) = &options.before_send {
        event = step("before_send", Reason::BeforeSend, || before_send(event))?;
    }
    if let Some(before_send) = &options.before_send_with_hint {
        event = step("before_send_with_hint", Reason::BeforeSend, || before_send(event, hint))?;
    }
    if event.event_id.is_nil() {
        event.event_id = id;
    }
    drop(nesting::limit_event(&mut event));
    Ok(event)
}

/// All that was left to be asked about what a panic hook captured: whether it is ignored, the callbacks, and the sampler,
/// without which the die was cast at the capture.
pub(crate) fn ask_late(
    options: &ClientOptions,
    event: Event<'static>,
    scope: &ScopeSnapshot,
) -> Result<Event<'static>, Reason> {
    let panic = PanicInfo::of(&event);
    let hint = Hint::new().within(scope, panic.as_ref());
    if options.ignores(errors_of(&event), &hint) {
        return Err(Reason::EventProcessor);
    }
    let event = ask(options, event, scope, &hint)?;
    let is_kept = options.error_sampler.is_none() || sample(options.rate_for(&event, &hint));
    if is_kept { Ok(event) } else { Err(Reason::SampleRate) }
}

/// Casts the die.
pub(crate) fn sample(rate: f32) -> bool {
    match rate {
        rate if rate >= 1.0 => true,
        rate if rate <= 0.0 || rate.is_nan() => false,
        rate => rng::unit() < f64::from(rate),
    }
}

/// The same as [`ask`] without `before_send`.
pub(crate) fn process(
    options: &ClientOptions,
    mut event: Event<'static>,
    scope: &ScopeSnapshot,
) -> Result<Event<'static>, Reason> {
    for processor in scope.processors() {
        event = step("event processor", Reason::EventProcessor, || processor(event))?;
    }
    for integration in options.integrations.iter().filter(|integration| integration.processes_events()) {
        let process = || integration.process_event(event, options);
        event = step("integration", Reason::EventProcessor, process)?;
    }
    Ok(event)
}

/// Counts an event that was captured with `scope`, and the attachments that would have gone with it.
pub(crate) fn lose_event(options: &ClientOptions, reason: Reason, scope: &ScopeSnapshot) {
    let recorder = &options.client_report_recorder;
    recorder.record(reason, Category::Error, 1);
    for attachment in scope.shared_attachments() {
        recorder.record_loss(&**attachment, reason);
    }
    for stored in scope.stored() {
        recorder.record_loss(stored, reason);
    }
    for file in scope.files() {
        recorder.record_loss(&**file, reason);
    }
}

impl Outbound {
    /// Completes the event and asks the callbacks. `false`: they dropped it, which is counted.
    pub(crate) fn show_to(&mut self, unseen: &Unseen, deadline: Instant) -> bool {
        let seen = unseen.0.get_or_init(|| {
            let event = self.build_event(Some(deadline));
            let completion = Arc::clone(self.completion.as_ref()?);
            let scope = self.scope.clone();
            let shown = {
                let completion = Arc::clone(&completion);
                off_the_hook(move || ask_late(completion.options(), event, &scope))
            };
            match shown.unwrap_or(Err(Reason::CallbackError)) {
                Ok(event) => {
                    // The id is kept beside it.
                    self.id = event.event_id;
                    Some(Box::new(LeanEvent::new(event, completion.known())))
                }
                Err(reason) => {
                    lose_event(completion.options(), reason, &self.scope);
                    None
                }
            }
        });
        let Some(event) = seen else { return false };
        self.item = OutboundItem::Completed(event.clone());
        true
    }
}

/// One callback. The error is the reason for which the event is lost.
fn step(
    name: &'static str,
    reason: Reason,
    callback: impl FnOnce() -> Option<Event<'static>>,
) -> Result<Event<'static>, Reason> {
    guarded(name, callback).map_err(|_| Reason::CallbackError)?.ok_or(reason)
}

/// Runs `f` where it may panic. `None`: it took too long, perhaps because it waits for what the panicking thread holds.
fn off_the_hook<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> Option<R> {
    if !thread::panicking() {
        return Some(f());
    }
    let (answer, answered) = sync_channel(1);
    let run = move || {
        let _ = answer.send(suppress(f));
    };
    thread::Builder::new().name("sentry-callback".to_owned()).spawn(run).ok()?;
    answered.recv_timeout(PATIENCE).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::client_report::protocol::Item;
    use crate::outbound::Class;
    use crate::protocol::Envelope;
    use crate::sync::lock;
    use crate::test::with_captured_events_options;
    use crate::{Hub, Revival, Transport};

    /// Keeps items unfinished, as a queue does.
    #[derive(Default)]
    struct Queue(Mutex<Vec<Outbound>>);

    impl Transport for Queue {
        fn send_envelope(&self, _: Envelope) {}

        fn send(&self, outbound: Outbound) {
            lock(&self.0).push(outbound);
        }
    }

    fn options(queue: &Arc<Queue>) -> ClientOptions {
        let mut options = ClientOptions::new().dsn("https://public@sentry.invalid/1");
        options.transport = Some(Arc::new(Arc::clone(queue)));
        options
    }

    fn crash(options: ClientOptions, setup: impl FnOnce()) {
        let client = Arc::new(crate::Client::with_options(options));
        Hub::run(Arc::new(Hub::new(Some(client), Arc::default())), || {
            setup();
            let event = Event { message: Some("crash".into()), ..Event::default() };
            Hub::current().capture_fatal(event, None, Class::Normal);
        });
    }

    fn lost(options: &ClientOptions) -> Vec<(Reason, u64)> {
        let totals = options.client_report_recorder.totals();
        totals.iter().map(|item: &Item| (item.reason(), item.quantity())).collect()
    }

    fn tag(mut event: Event<'static>) -> Event<'static> {
        event.tags.insert("seen".into(), "yes".into());
        event
    }

    #[test]
    fn what_a_panic_hook_captures_is_seen_where_it_is_finished_and_once() {
        let (queue, calls) = (Arc::<Queue>::default(), Arc::<AtomicUsize>::default());
        let counter = Arc::clone(&calls);
        let options = options(&queue).before_send(move |event| {
            counter.fetch_add(1, Ordering::SeqCst);
            Some(tag(event))
        });
        crash(options, || {});
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        let item = lock(&queue.0).remove(0);
        for copy in [item.clone(), item] {
            let envelope = copy.finish();
            assert_eq!(envelope.event().unwrap().tags["seen"], "yes");
            assert_eq!(envelope.uuid(), Some(&envelope.event().unwrap().event_id));
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_callback_that_drops_a_crash_is_counted_once() {
        for panics in [false, true] {
            let queue = Arc::<Queue>::default();
            let options =
                options(&queue).before_send(move |_| if panics { panic!("by the test") } else { None });
            let kept = options.clone();
            crash(options, || {});
            let item = lock(&queue.0).remove(0);
            assert!(item.clone().finish().is_empty() && item.finish().is_empty());
            let reason = if panics { Reason::CallbackError } else { Reason::BeforeSend };
            assert_eq!(lost(&kept), [(reason, 1)]);
        }
    }

    #[test]
    fn what_is_stored_unseen_is_seen_by_the_next_process() {
        let queue = Arc::<Queue>::default();
        crash(options(&queue).before_send(|event| Some(tag(event))), || {});
        let stored = lock(&queue.0).remove(0).unfinished().unwrap();
        assert!(stored.event().unwrap().tags.is_empty());
        let mut bytes = Vec::new();
        stored.to_writer(&mut bytes).unwrap();
        let read = || Envelope::from_slice(&bytes).unwrap();
        let deadline = crate::clock::instant() + PATIENCE;

        let revived =
            Revival::of(&options(&queue).before_send(|event| Some(tag(event)))).revive(read(), deadline);
        assert_eq!(revived.event().unwrap().tags["seen"], "yes");
        assert!(revived.headers().other().is_empty());
        assert_eq!(revived.uuid(), stored.uuid());
        let again = Revival::of(&options(&queue).before_send(|_| panic!("seen already")))
            .revive(revived.clone(), deadline);
        assert_eq!(again, revived);

        let refusing = options(&queue).before_send(|_| None);
        assert!(Revival::of(&refusing).revive(read(), deadline).is_empty());
        assert_eq!(lost(&refusing), [(Reason::BeforeSend, 1)]);
    }

    #[test]
    fn what_processors_of_a_scope_have_not_seen_is_not_stored() {
        let queue = Arc::<Queue>::default();
        let processor =
            || crate::configure_scope(|scope| scope.add_event_processor(|event| Some(tag(event))));
        crash(options(&queue), processor);
        let item = lock(&queue.0).remove(0);
        assert!(item.unfinished().is_none());
        assert_eq!(item.finish().event().unwrap().tags["seen"], "yes");
    }

    #[test]
    fn a_transport_that_finishes_at_once_gets_no_dropped_crash() {
        let options = ClientOptions::new().before_send(|event| event.message.is_none().then_some(event));
        let crash = |message: Option<&str>| {
            let event = Event { message: message.map(str::to_owned), ..Event::default() };
            Hub::current().capture_fatal(event, None, Class::Normal);
        };
        let events =
            with_captured_events_options(|| [None, Some("dropped")].into_iter().for_each(crash), options);
        assert_eq!(events.len(), 1);
    }
}
