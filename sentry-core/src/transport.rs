//! The outer plug: the whole way from a captured item to a server.
//!
//! ```text
//! client ── Outbound ──► Transport::send ── (default) finish() ──► Transport::send_envelope
//! ```

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::client_report::{Reason, Recorder};
use crate::consent::ConsentGate;
use crate::envelope::Envelope;
use crate::last_run::LastRun;
use crate::options::{CacheOptions, ClientOptions, Consent, FloodControl, HttpOptions};
use crate::outbound::Outbound;
use crate::revival::Revival;
use crate::suppress::suppress;
use crate::telemetry::Gathered;
use crate::types::Dsn;

/// The way out of the process for everything that is captured.
///
/// Only [`send_envelope`](Self::send_envelope) is required. It is called on the capturing thread and must not block.
pub trait Transport: Send + Sync + 'static {
    /// Takes a finished envelope: completed, scrubbed and within the size limits.
    fn send_envelope(&self, envelope: Envelope);

    /// Takes an item that is not finished yet.
    ///
    /// The default finishes it at once, on the capturing thread, and hands it to
    /// [`send_envelope`](Self::send_envelope). A transport with a thread of its own overrides this method and calls
    /// [`Outbound::finish`] there.
    fn send(&self, outbound: Outbound) {
        if thread::panicking() {
            return send_off_the_hook(self, outbound);
        }
        let envelope = outbound.finish();
        // Callbacks that had to wait until now may have dropped it.
        if !envelope.is_empty() {
            self.send_envelope(envelope);
        }
    }

    /// Whether [`send_unsampled`](Self::send_unsampled) leads anywhere. Asked only while `ClientOptions::spotlight` is on.
    fn wants_unsampled(&self) -> bool {
        false
    }

    /// Takes an item that sampling has dropped. It is counted as lost already and must not reach the server: this is for
    /// tools on the developer's machine, such as Spotlight.
    fn send_unsampled(&self, outbound: Outbound) {
        drop(outbound);
    }

    /// Whether this transport obeys the client's [`ConsentGate`] by itself: nothing leaves while it is closed, what is captured
    /// before the user has decided waits, and what waits is gone when the user has refused.
    ///
    /// Otherwise the client does what it can: it discards whatever is captured while the gate is closed.
    fn holds_for_consent(&self) -> bool {
        false
    }

    /// Whether this transport takes logs and metrics many at a time. Called once, when the client is made. The default says no,
    /// and each is sent as it is captured.
    ///
    /// Whoever says yes keeps `records`, and calls [`Gathered::hand_over`] within seconds of a
    /// [`records_wait`](Self::records_wait): a part of them may never be enough for a batch. The client does so before a
    /// flush and before it is closed, and hands over what is full by itself.
    fn gather(&self, records: Gathered) -> bool {
        drop(records);
        false
    }

    /// Records have begun to wait. Called on the capturing thread: it must not wait.
    fn records_wait(&self) {}

    /// Whether nothing is pending: a flush would return `true` without waiting. Must not wait itself.
    ///
    /// `false` is always a right answer; it only makes an async flush start a thread to wait on.
    fn is_idle(&self) -> bool {
        false
    }

    /// Keeps what is to be sent by a later process if this one vanishes without another word: that its session ended, and
    /// nobody knows how. `None` forgets it. Replaces what was kept before.
    ///
    /// Only called with a cache directory. The default keeps nothing.
    fn set_last_words(&self, envelope: Option<Envelope>) {
        drop(envelope);
    }

    /// Called once, when the client is in force: this run begins. Tells how the previous one ended. Must not wait.
    fn start(&self) -> LastRun {
        LastRun::Unknown
    }

    /// Sends the crashes that earlier processes have left, before anything else of theirs, and waits for that, for `timeout`
    /// at most. Tells whether none is left.
    fn send_crashes(&self, timeout: Duration) -> bool {
        let _ = timeout;
        true
    }

    /// Waits until everything accepted so far has been sent, for `timeout` at most, and tells whether it has.
    fn flush(&self, timeout: Duration) -> bool {
        let _ = timeout;
        true
    }

    /// Flushes, then stops for good. Within `timeout` as well.
    fn shutdown(&self, timeout: Duration) -> bool {
        self.flush(timeout)
    }
}

/// For a thread that panics: a panic of the transport's within the panic hook would end the process, and on another thread it does not.
fn send_off_the_hook<T: Transport + ?Sized>(transport: &T, outbound: Outbound) {
    let (completion, losses) = (outbound.completion.clone(), outbound.losses());
    let envelope = outbound.finish();
    if envelope.is_empty() {
        return;
    }
    let is_taken = thread::scope(|scope| {
        let send = || suppress(|| transport.send_envelope(envelope));
        let thread = thread::Builder::new().name("sentry-transport".to_owned()).spawn_scoped(scope, send);
        thread.is_ok_and(|thread| thread.join().is_ok())
    });
    if let (false, Some(completion)) = (is_taken, completion) {
        completion.options().client_report_recorder.record_lost_data(&losses[..], Reason::InternalError);
    }
}

impl<T: Transport> Transport for Arc<T> {
    fn send_envelope(&self, envelope: Envelope) {
        (**self).send_envelope(envelope);
    }

    fn send(&self, outbound: Outbound) {
        (**self).send(outbound);
    }

    fn wants_unsampled(&self) -> bool {
        (**self).wants_unsampled()
    }

    fn send_unsampled(&self, outbound: Outbound) {
        (**self).send_unsampled(outbound);
    }

    fn holds_for_consent(&self) -> bool {
        (**self).holds_for_consent()
    }

    fn gather(&self, records: Gathered) -> bool {
        (**self).gather(records)
    }

    fn records_wait(&self) {
        (**self).records_wait();
    }

    fn is_idle(&self) -> bool {
        (**self).is_idle()
    }

    fn set_last_words(&self, envelope: Option<Envelope>) {
        (**self).set_last_words(envelope);
    }

    fn start(&self) -> LastRun {
        (**self).start()
    }

    fn send_crashes(&self, timeout: Duration) -> bool {
        (**self).send_crashes(timeout)
    }

    fn flush(&self, timeout: Duration) -> bool {
        (**self).flush(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        (**self).shutdown(timeout)
    }
}

/// Makes the transport of a client.
///
/// The two methods call each other by default: implement at least one.
pub trait TransportFactory: Send + Sync {
    /// Makes a transport from the client's options.
    fn create_transport(&self, options: &ClientOptions) -> Arc<dyn Transport> {
        match TransportOptions::try_from_client_options(options) {
            Some(options) => self.create_transport_with_options(options),
            None => Arc::new(Discard),
        }
    }

    /// Makes a transport from what a transport needs to know.
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        self.create_transport(&options.into_client_options())
    }

    /// Whether a client with these options is off without a DSN. Most are; one that writes to a file need not be.
    ///
    /// Where this is `false`, [`create_transport`](Self::create_transport) is called without a DSN too.
    fn needs_dsn(&self, options: &ClientOptions) -> bool {
        let _ = options;
        true
    }
}

impl<F> TransportFactory for F
where
    F: Fn(&ClientOptions) -> Arc<dyn Transport> + Clone + Send + Sync + 'static,
{
    fn create_transport(&self, options: &ClientOptions) -> Arc<dyn Transport> {
        self(options)
    }
}

impl<T: Transport> TransportFactory for Arc<T> {
    fn create_transport(&self, _options: &ClientOptions) -> Arc<dyn Transport> {
        Self::clone(self)
    }
}

/// What a transport needs to know of the client's options.
#[derive(Clone)]
#[non_exhaustive]
pub struct TransportOptions {
    /// Where to send to.
    pub dsn: Dsn,
    /// The `User-Agent`, also sent as `sentry_client`.
    pub user_agent: Cow<'static, str>,
    /// The proxy for `http` servers.
    pub http_proxy: Option<Cow<'static, str>>,
    /// The proxy for `https` servers.
    pub https_proxy: Option<Cow<'static, str>>,
    /// Accept any TLS certificate.
    pub accept_invalid_certs: bool,
    /// How many events the queue holds at most; `None` leaves only the bound in bytes.
    pub transport_channel_capacity: Option<NonZeroUsize>,
    /// How requests reach the server.
    pub http: HttpOptions,
    /// What is kept on disk.
    pub cache: CacheOptions,
    /// Whether the user has to agree first.
    pub consent: Consent,
    /// What the user has said; it has to be obeyed at any time.
    pub consent_gate: ConsentGate,
    /// Limits on errors.
    pub flood_control: FloodControl,
    /// Tell the client to sample fewer traces while the queue cannot keep up.
    pub enable_backpressure_handling: bool,
    /// Finishes what an earlier process has stored unfinished.
    pub revival: Revival,
    /// Where losses are counted.
    pub client_report_recorder: Recorder,
    /// Print diagnostics.
    pub debug: bool,
}

impl TransportOptions {
    /// Picks them from `options`; `None` without a DSN.
    #[must_use]
    pub fn try_from_client_options(options: &ClientOptions) -> Option<Self> {
        // Of options that no client was made of.
        options.consent_gate.require(options.consent);
        Some(Self {
            dsn: options.dsn.clone()?,
            user_agent: options.user_agent.clone(),
            http_proxy: options.http_proxy.clone(),
            https_proxy: options.https_proxy.clone(),
            accept_invalid_certs: options.accept_invalid_certs,
            transport_channel_capacity: options.transport_channel_capacity,
            http: options.http.clone(),
            cache: options.cache.clone(),
            consent: options.consent,
            consent_gate: options.consent_gate.clone(),
            flood_control: options.flood_control,
            enable_backpressure_handling: options.enable_backpressure_handling,
            revival: Revival::of(options),
            client_report_recorder: options.client_report_recorder.clone(),
            debug: options.debug,
        })
    }

    fn into_client_options(self) -> ClientOptions {
        ClientOptions {
            dsn: Some(self.dsn),
            user_agent: self.user_agent,
            http_proxy: self.http_proxy,
            https_proxy: self.https_proxy,
            accept_invalid_certs: self.accept_invalid_certs,
            transport_channel_capacity: self.transport_channel_capacity,
            http: self.http,
            cache: self.cache,
            consent: self.consent,
            consent_gate: self.consent_gate,
            flood_control: self.flood_control,
            enable_backpressure_handling: self.enable_backpressure_handling,
            client_report_recorder: self.client_report_recorder,
            debug: self.debug,
            ..ClientOptions::default()
        }
    }
}

impl fmt::Debug for TransportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportOptions")
            .field("dsn", &self.dsn)
            .field("user_agent", &self.user_agent)
            .field("accept_invalid_certs", &self.accept_invalid_certs)
            .finish_non_exhaustive()
    }
}

/// Where items go when there is nowhere to send them.
#[derive(Debug)]
struct Discard;

impl Transport for Discard {
    fn send_envelope(&self, _envelope: Envelope) {}
}
