//! The client: options, integrations and a transport, and the pipeline that leads from a capture to it.
//!
//! ```text
//! suppressed? -> sample -> Outbound -> Transport::send -> (worker) finish        no callback looks at the event
//! suppressed? -> complete -> processors -> before_send -> sample -> Outbound     one does
//! ```
//!
//! A callback needs a complete event on the thread that captured it. Without one nothing is completed there, and the
//! die is cast before anything is built.

pub(crate) mod callbacks;
pub(crate) mod complete;
mod consent;
mod context_tags;
mod crash;
mod hooks;
mod intern;
mod items;
mod lifecycle;
mod live;
mod pipeline;
mod process;
mod sessions;
mod telemetry;
mod transactions;
mod waiter;

use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, RwLock, Weak};

pub(crate) use self::complete::Completion;
pub use self::hooks::{ClientEvent, HookGuard};
pub use self::lifecycle::Flush;
pub use self::live::any_live;
pub(crate) use self::pipeline::Capture;
pub use self::process::bind_process_client;
pub(crate) use self::process::{process, process_if_free, process_is_free, with_process};
pub(crate) use self::waiter::forget_waiting_threads;
use crate::client_report::{Recorder, Stats};
use crate::consent::{ConsentGate, ConsentListener};
use crate::diagnostics;
use crate::integration::{self, Integration};
use crate::last_run;
use crate::options::ClientOptions;
use crate::process::Held;
use crate::session;
use crate::suppress::guarded;
use crate::sync::{read, write};
use crate::telemetry::Gathering;
use crate::trace::{self, Undecided};
use crate::transport::Transport;
use crate::types::Dsn;

/// Captures, and hands what was captured to a transport. Clones share everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

/// A client as long as somebody else keeps it; see [`Client::downgrade`].
#[derive(Clone)]
pub struct WeakClient(Weak<Inner>);

impl WeakClient {
    /// The client, if it is still there.
    #[must_use]
    pub fn upgrade(&self) -> Option<Client> {
        self.0.upgrade().map(|inner| Client { inner })
    }
}

impl fmt::Debug for WeakClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakClient").finish()
    }
}

struct Inner {
    completion: Arc<Completion>,
    transport: RwLock<Option<Arc<dyn Transport>>>,
    enabled: AtomicBool,
    /// How the previous run ended, once somebody has asked.
    last_run: last_run::Cell,
    /// What there is to tell about sessions later.
    sessions: Arc<session::Buffer>,
    /// What all logs, metrics and streamed spans say.
    attributes: telemetry::Attributes,
    /// Logs and metrics that wait for company, if the transport takes them many at a time.
    gathering: Gathering,
    gathers: OnceLock<bool>,
    /// Streamed spans that wait for their segments.
    undecided: Undecided,
    /// Who wants to hear of what happens.
    hooks: Arc<hooks::Hooks>,
    /// Some callback or integration must see complete events, so they are completed on the capturing thread.
    completes_events: bool,
    /// The transport holds back what is captured before the user has consented.
    holds_for_consent: bool,
}

impl RefUnwindSafe for Client {}

impl Client {
    /// A client with the given options.
    ///
    /// It is disabled, and costs nothing, without a DSN or without a transport.
    #[must_use]
    pub fn with_options(mut options: ClientOptions) -> Self {
        if options.debug {
            diagnostics::set_level(options.debug_level);
            diagnostics::set_debug(true);
        }
        options.clamp();
        let integrations = std::mem::take(&mut options.integrations);
        integration::set_up_once(&integrations);
        for integration in &integrations {
            let _ = guarded("integration setup", || integration.setup(&mut options));
        }
        options.integrations = integrations;
        if let Some(finish) = options.finish.take() {
            let own = guarded("finish", || finish.for_options(&options)).ok().flatten();
            options.finish = Some(own.unwrap_or(finish));
        }
        // Wherever the process works later.
        options.cache.dir = options.cache.dir.take().map(|dir| std::path::absolute(&dir).unwrap_or(dir));
        // Its own: options may be used for several clients.
        options.consent_gate = ConsentGate::new(options.consent);
        options.client_report_recorder.set_enabled(options.send_client_reports);
        options.client_report_recorder.set_on_drop(options.on_drop.clone());
        let transport = options.transport.clone().and_then(|factory| {
            let make = || {
                let wanted = options.dsn.is_some() || !factory.needs_dsn(&options);
                wanted.then(|| factory.create_transport(&options))
            };
            guarded("transport factory", make).ok().flatten()
        });
        let enabled = transport.is_some();
        if enabled && options.accept_invalid_certs {
            diagnostics::alarm_once("accept_invalid_certs", || {
                "accept_invalid_certs is on: whoever is between here and the server can read and change all that is sent"
                    .into()
            });
        }
        let holds_for_consent = Inner::holds(transport.as_deref());
        let completes_events = options.before_send.is_some()
            || options.before_send_with_hint.is_some()
            || options.error_sampler.is_some()
            || options.integrations.iter().any(|i| i.processes_events());
        let completion = Arc::new(Completion::new(options));
        // Last: what could panic before is the user's, and a client that never came to be would count for ever.
        if enabled {
            live::one_more();
        }
        let sessions = Arc::new(session::Buffer::new(completion.options().client_report_recorder.clone()));
        let client = Self {
            inner: Arc::new(Inner {
                completion,
                transport: RwLock::new(transport),
                enabled: AtomicBool::new(enabled),
                last_run: last_run::Cell::new(),
                sessions,
                attributes: telemetry::Attributes::default(),
                gathering: Gathering::default(),
                gathers: OnceLock::new(),
                undecided: Undecided::default(),
                hooks: Arc::default(),
                completes_events,
                holds_for_consent,
            }),
        };
        client.inner.sessions.belongs_to(client.downgrade());
        let listener: Weak<Inner> = Arc::downgrade(&client.inner);
        client.options().consent_gate.listen(listener as Weak<dyn ConsentListener>);
        client.begin_to_gather();
        for integration in &client.options().integrations {
            let _ = guarded("integration setup", || integration.after_all_setup(&client));
        }
        client
    }

    /// A client from anything that makes options: a DSN, a pair of DSN and options, or options.
    pub fn from_config<O: Into<ClientOptions>>(options: O) -> Self {
        Self::with_options(options.into())
    }

    /// The options in force: those given, as changed by the integrations.
    pub fn options(&self) -> &ClientOptions {
        self.inner.completion.options()
    }

    /// Where events go.
    #[must_use]
    pub fn dsn(&self) -> Option<&Dsn> {
        self.options().dsn.as_ref()
    }

    /// Whether captures lead anywhere: a DSN and a transport are there, and the client is not closed.
    #[inline]
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.inner.enabled.load(Ordering::Relaxed)
    }

    /// What became of everything captured so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.recorder().stats();
        let waiting = self.inner.gathering.len();
        stats.accepted = stats.accepted.saturating_add(waiting);
        stats.queued = stats.queued.saturating_add(waiting);
        stats
    }

    fn disable(&self) -> Option<Arc<dyn Transport>> {
        self.inner.disable()
    }

    pub(crate) fn transport(&self) -> Option<Arc<dyn Transport>> {
        read(&self.inner.transport).clone()
    }

    /// The integration of the type `I`, if this client has one.
    pub(crate) fn integration<I: Integration>(&self) -> Option<&I> {
        self.options().integrations.iter().find_map(|integration| (**integration).as_any().downcast_ref())
    }

    pub(crate) fn last_run_cell(&self) -> &last_run::Cell {
        &self.inner.last_run
    }

    fn recorder(&self) -> &Recorder {
        &self.options().client_report_recorder
    }

    /// The client for somebody who must not keep it, such as a [hook](Self::on) of its own.
    #[must_use]
    pub fn downgrade(&self) -> WeakClient {
        WeakClient(Arc::downgrade(&self.inner))
    }

    /// Whether both are clones of one client.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// In a forked child.
    pub(crate) fn disown(&self) {
        self.recorder().disown();
    }

    /// For a fork.
    pub(crate) fn hold<'a>(&'a self, held: &mut Held<'a>) {
        self.inner.gathering.hold(held);
        self.inner.undecided.hold(held);
        held.write(&self.inner.transport);
        self.inner.hooks.hold(held);
        self.recorder().hold(held);
        self.options().consent_gate.hold(held);
        self.inner.sessions.hold(held);
        self.inner.completion.known().hold(held);
    }
}

/// For a fork: the locks that belong to no client.
pub(crate) fn hold(held: &mut Held<'_>) {
    process::hold(held);
    intern::hold(held);
    integration::hold(held);
    trace::hold(held);
}

impl Inner {
    fn disable(&self) -> Option<Arc<dyn Transport>> {
        if self.enabled.swap(false, Ordering::Relaxed) {
            crate::hub::forget_plain();
            live::one_less();
        }
        write(&self.transport).take()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.hand_over(true);
        let _ = self.disable();
    }
}

impl<T: Into<ClientOptions>> From<T> for Client {
    fn from(options: T) -> Self {
        Self::with_options(options.into())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("dsn", &self.dsn())
            .field("enabled", &self.is_enabled())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
