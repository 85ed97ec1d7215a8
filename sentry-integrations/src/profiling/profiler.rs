//! The thread that looks, and who starts and stops it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sentry_core::client_report::protocol::{Category, Reason};
use sentry_core::envelope::UnknownItem;
use sentry_core::protocol::{ClientSdkInfo, Envelope, EnvelopeHeaders};
use sentry_core::types::{Uuid, random_uuid};
use sentry_core::{Client, RootSpan, WeakClient, clock, diagnostics, process};
use sentry_panic::debug_images::debug_images;
use sentry_panic::sampling::{self, Sampler};

use super::chunk::Chunk;
use super::encode::{self, Origin};
use super::roots::Roots;
use super::signal::{Duty, Signal};
use super::{ProfileLifecycle, ProfilingIntegration};

/// 101 times a second: not in step with what programs do a hundred times a second.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 101);
const CHUNK: Duration = Duration::from_secs(60);
/// Threads that are looked at each time.
const MAX_THREADS: usize = 64;
/// How long names of a chunk may be looked up. What is not found until then stays an address.
const NAMING: Duration = Duration::from_secs(5);
/// How long whoever stops the profiler, or flushes, waits for the last chunk.
const PATIENCE: Duration = Duration::from_secs(2);

/// There is one profiler in a process.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    id: Uuid,
    client: WeakClient,
    signal: Arc<Signal>,
    /// A forked child has inherited this, but not the thread.
    generation: u32,
}

/// Starts the profiler for the client of the current hub. `false` if it runs already, the session was not sampled, it is left
/// to [traces](ProfileLifecycle::Trace), or it cannot run.
#[expect(clippy::must_use_candidate, reason = "called for its effect")]
pub fn start_profiler() -> bool {
    let is_wanted = sentry_core::with_integration(|integration: &ProfilingIntegration, _| {
        if integration.lifecycle == ProfileLifecycle::Trace {
            diagnostics::warn_once("profiler lifecycle", || {
                "traces start and stop the profiler: start_profiler does nothing".into()
            });
        }
        integration.lifecycle == ProfileLifecycle::Manual && integration.is_sampled()
    });
    let client = sentry_core::Hub::current().client();
    let Some(client) = client.filter(|client| is_wanted && client.is_enabled()) else { return false };
    let started = can_run(&client).then(|| {
        with_running(|running| match alive(running) {
            Some(_) => Ok(false),
            None => start(running, client.downgrade(), None).map(|()| true),
        })
    });
    told(started)
}

/// Stops the profiler, and waits two seconds at most until what it has seen last is on its way. One that is left to traces
/// starts again with the next.
pub fn stop_profiler() {
    let running = with_running(Option::take);
    if let Some(running) = running.filter(Running::is_alive) {
        running.signal.stop(clock::instant() + PATIENCE);
    }
}

/// Lets the profiler run as long as this goes on, and starts it if it must. Whether it runs.
pub(super) fn watch(root: &RootSpan, client: &WeakClient) -> bool {
    let is_watched = with_running(|running| alive(running).map(|running| running.signal.watch(root.clone())));
    if is_watched.is_some() {
        return true;
    }
    let Some(strong) = client.upgrade() else { return false };
    let started = can_run(&strong).then(|| {
        with_running(|running| {
            match alive(running) {
                // Somebody else was faster.
                Some(running) => running.signal.watch(root.clone()),
                None => start(running, client.clone(), Some(root.clone()))?,
            }
            Ok(true)
        })
    });
    told(started)
}

/// Ends the profiler of this client.
pub(super) fn stop_for(client: &WeakClient, timeout: Duration) {
    if let Some(signal) = signal_of(client) {
        signal.stop(clock::instant() + timeout.min(PATIENCE));
    }
}

/// Has the profiler of this client send what it has seen.
pub(super) fn hand_over_for(client: &WeakClient, timeout: Duration) {
    if let Some(signal) = signal_of(client) {
        signal.hand_over(clock::instant() + timeout.min(PATIENCE));
    }
}

/// The id of the profiler that runs.
pub(super) fn id() -> Option<Uuid> {
    with_running(|running| alive(running).map(|running| running.id))
}

fn signal_of(client: &WeakClient) -> Option<Arc<Signal>> {
    let client = client.upgrade()?;
    let parts = |running: &Running| (running.client.clone(), Arc::clone(&running.signal));
    let (theirs, signal) = with_running(|running| alive(running).map(parts))?;
    theirs.upgrade().is_some_and(|theirs| theirs.is_same(&client)).then_some(signal)
}

/// Looks at the profiler of the process. A child must not find the lock taken, so no thread forks meanwhile: nothing of the
/// application may run in here.
fn with_running<R>(f: impl FnOnce(&mut Option<Running>) -> R) -> R {
    process::without_fork(|| f(&mut lock(&RUNNING)))
}

fn alive(running: &Option<Running>) -> Option<&Running> {
    running.as_ref().filter(|running| running.is_alive())
}

fn can_run(client: &Client) -> bool {
    let has_release = client.options().release.is_some();
    if !has_release {
        diagnostics::warn_once("profiler release", || "profiles need a release: the profiler is off".into());
    }
    has_release
}

/// Says so if no thread could be started.
fn told(started: Option<io::Result<bool>>) -> bool {
    match started {
        None => false,
        Some(Ok(started)) => started,
        Some(Err(error)) => {
            diagnostics::warn_once("profiler thread", || format!("the profiler is off: {error}"));
            false
        }
    }
}

/// Starts the thread: by hand, or for a first root span.
fn start(running: &mut Option<Running>, client: WeakClient, root: Option<RootSpan>) -> io::Result<()> {
    let (id, signal) = (random_uuid(), Arc::new(Signal::default()));
    let roots = root.is_some().then(Roots::default);
    root.into_iter().for_each(|root| signal.watch(root));
    let profiler = Profiler { id, client: client.clone(), signal: Arc::clone(&signal), roots };
    std::thread::Builder::new().name("sentry-profiler".into()).spawn(move || profiler.run())?;
    *running = Some(Running { id, client, signal, generation: process::generation() });
    Ok(())
}

impl Running {
    fn is_alive(&self) -> bool {
        self.generation == process::generation() && !self.signal.is_over()
    }
}

/// Tells that the thread has ended, however it did.
struct End(Arc<Signal>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.over();
    }
}

struct Profiler {
    id: Uuid,
    client: WeakClient,
    signal: Arc<Signal>,
    /// What it runs for, unless it was started by hand.
    roots: Option<Roots>,
}

impl Profiler {
    fn run(mut self) {
        let _end = End(Arc::clone(&self.signal));
        let (mut sampler, mut chunk) = (Sampler::new(), Chunk::default());
        let (mut look, mut full) = (clock::instant(), None);
        loop {
            let duty = self.signal.next(self.roots.as_mut(), look, full);
            let client = self.client();
            match (duty, client) {
                (Duty::End, Some(client)) => return self.send(&client, chunk),
                (Duty::End, None) | (_, None) => return,
                (Duty::Check, _) => {}
                (Duty::Send(number), Some(client)) => {
                    self.send(&client, std::mem::take(&mut chunk));
                    full = None;
                    if number > 0 {
                        self.signal.answer(number);
                    }
                }
                (Duty::Look, Some(client)) => {
                    look_at_all(&mut sampler, &mut chunk);
                    let now = clock::instant();
                    if full.is_none() && !chunk.samples.is_empty() {
                        full = Some(now + CHUNK);
                    }
                    if chunk.is_full() {
                        self.send(&client, std::mem::take(&mut chunk));
                        full = None;
                    }
                    // What was missed is missed: a machine with too much to do gets less of it.
                    look = (look + INTERVAL).max(now);
                }
            }
        }
    }

    fn client(&self) -> Option<Client> {
        self.client.upgrade().filter(Client::is_enabled)
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

fn look_at_all(sampler: &mut Sampler, chunk: &mut Chunk) {
    let time = clock::now();
    for thread in sampling::running(MAX_THREADS) {
        if let Some(stack) = sampler.take(thread) {
            chunk.add(time, thread, stack, sampling::name);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
