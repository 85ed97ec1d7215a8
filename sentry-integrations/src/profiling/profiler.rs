//! The thread that looks, and who starts and stops it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sentry_core::client_report::protocol::{Category, Reason};
use sentry_core::envelope::UnknownItem;
use sentry_core::protocol::{ClientSdkInfo, Envelope, EnvelopeHeaders};
use sentry_core::types::{Uuid, random_uuid};
use sentry_core::{Client, clock, diagnostics, process};
use sentry_panic::debug_images::debug_images;
use sentry_panic::sampling::{self, Sampler};

use super::ProfilingIntegration;
use super::chunk::Chunk;
use super::encode::{self, Origin};

/// 101 times a second: not in step with what programs do a hundred times a second.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 101);
const CHUNK: Duration = Duration::from_secs(60);
/// Threads that are looked at each time.
const MAX_THREADS: usize = 64;
/// How long names of a chunk may be looked up. What is not found until then stays an address.
const NAMING: Duration = Duration::from_secs(5);
/// How long [`stop_profiler`] waits for the last chunk.
const PATIENCE: Duration = Duration::from_secs(2);

/// There is one profiler in a process.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    id: Uuid,
    signal: Arc<Signal>,
    /// A forked child has inherited this, but not the thread.
    generation: u32,
}

/// Starts the profiler for the client of the current hub. `false` if it runs already, the session was not sampled, or it
/// cannot run.
#[expect(clippy::must_use_candidate, reason = "called for its effect")]
pub fn start_profiler() -> bool {
    let is_sampled =
        sentry_core::with_integration(|integration: &ProfilingIntegration, _| integration.is_sampled());
    let client = sentry_core::Hub::current().client();
    let Some(client) = client.filter(|client| is_sampled && client.is_enabled()) else { return false };
    if client.options().release.is_none() {
        diagnostics::warn_once("profiler release", || "profiles need a release: the profiler is off".into());
        return false;
    }
    let mut running = lock(&RUNNING);
    if running.as_ref().is_some_and(|running| running.is_alive()) {
        return false;
    }
    let signal = Arc::new(Signal::default());
    let profiler =
        Profiler { id: random_uuid(), client: Arc::downgrade(&client), signal: Arc::clone(&signal) };
    let id = profiler.id;
    let thread = std::thread::Builder::new().name("sentry-profiler".into()).spawn(move || profiler.run());
    if thread.is_err() {
        diagnostics::warn_once("profiler thread", || "no thread can be started: the profiler is off".into());
        return false;
    }
    *running = Some(Running { id, signal, generation: process::generation() });
    true
}

/// Stops the profiler, and waits two seconds at most until what it has seen last is on its way.
pub fn stop_profiler() {
    let running = lock(&RUNNING).take();
    if let Some(running) = running.filter(Running::is_alive) {
        running.signal.stop(clock::instant() + PATIENCE);
    }
}

/// The id of the profiler that runs.
pub(super) fn id() -> Option<Uuid> {
    lock(&RUNNING).as_ref().filter(|running| running.is_alive()).map(|running| running.id)
}

impl Running {
    fn is_alive(&self) -> bool {
        self.generation == process::generation() && !lock(&self.signal.state).is_over
    }
}

/// What the thread and its starter tell each other.
#[derive(Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_unwanted: bool,
    is_over: bool,
}

impl Signal {
    fn stop(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        state.is_unwanted = true;
        self.changed.notify_all();
        while !state.is_over {
            let left = deadline.saturating_duration_since(clock::instant());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the time to look again. `false`: it is to end.
    fn waits_until(&self, time: Instant) -> bool {
        let mut state = lock(&self.state);
        while !state.is_unwanted {
            let left = time.saturating_duration_since(clock::instant());
            if left.is_zero() {
                return true;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }
}

/// Tells that the thread has ended, however it did.
struct End(Arc<Signal>);

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.0.state).is_over = true;
        self.0.changed.notify_all();
    }
}

struct Profiler {
    id: Uuid,
    client: Weak<Client>,
    signal: Arc<Signal>,
}

impl Profiler {
    fn run(self) {
        let _end = End(Arc::clone(&self.signal));
        let (mut sampler, mut chunk) = (Sampler::new(), Chunk::default());
        let mut next = clock::instant();
        let mut full = next + CHUNK;
        while self.signal.waits_until(next) {
            let Some(client) = self.client() else { return };
            let time = clock::now();
            for thread in sampling::running(MAX_THREADS) {
                if let Some(stack) = sampler.take(thread) {
                    chunk.add(time, thread, stack, sampling::name);
                }
            }
            let now = clock::instant();
            if now >= full || chunk.is_full() {
                self.send(&client, std::mem::take(&mut chunk));
                full = clock::instant() + CHUNK;
            }
            // What was missed is missed: a machine with too much to do gets less of it.
            next = (next + INTERVAL).max(now);
        }
        if let Some(client) = self.client() {
            self.send(&client, chunk);
        }
    }

    fn client(&self) -> Option<Arc<Client>> {
        self.client.upgrade().filter(|client| client.is_enabled())
    }

    fn send(&self, client: &Client, chunk: Chunk) {
        if chunk.samples.is_empty() {
            return;
        }
        let options = client.options();
        let origin = Origin { profiler: self.id, options, images: debug_images() };
        let Some(payload) = encode::payload(chunk, origin, clock::instant() + NAMING) else {
            options.client_report_recorder.record(Reason::InsufficientData, Category::ProfileChunk, 1);
            return;
        };
        let headers = [("platform", encode::PLATFORM.into())];
        let item = UnknownItem::new("profile_chunk", headers, payload.to_string().into_bytes());
        let sdk = ClientSdkInfo {
            name: "sentry.rust".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            integrations: Vec::new(),
            packages: Vec::new(),
        };
        client.send_envelope(Envelope::from(item).with_headers(EnvelopeHeaders::new().with_sdk(sdk)));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
