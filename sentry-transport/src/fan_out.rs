//! Several destinations for everything that is captured.
//!
//! ```text
//!             ┌──► transport of `dsn`             its queue, its rate limits, the client's recorder
//! FanOut ─────┼──► transport of each `also_send_to`   a queue, rate limits and a recorder of its own
//!             └──► Spotlight                      a queue of its own, nothing is counted
//! ```
//!
//! A loss is counted once. What never came as far as here (sampling, `before_send`) and what is lost on the way to `dsn` is
//! in the client's statistics and in the reports to `dsn`. What is lost on the way to another server is in the reports to
//! that server, and nowhere else.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::Builder;
use std::time::Duration;

use sentry_core::client_report::Recorder;
use sentry_core::protocol::Envelope;
use sentry_core::{
    ClientOptions, Gathered, LastRun, Outbound, Transport, TransportFactory, TransportOptions, clock,
    diagnostics, options, suppress,
};

use crate::sender::Deadline;
use crate::spotlight::Spotlight;

/// Makes transports that send to `dsn`, to every `also_send_to` and to Spotlight, as the options say.
///
/// It is put around the factory of the transport proper, which makes one transport for each server; `sentry::init` does
/// that. While only `dsn` is set, the transport is what the inner factory makes, and costs nothing more.
#[derive(Clone)]
pub struct FanOutFactory {
    inner: Arc<dyn TransportFactory>,
}

impl FanOutFactory {
    /// Around `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn TransportFactory>) -> Self {
        Self { inner }
    }

    /// The transport proper.
    fn first(&self, options: &ClientOptions) -> Option<Arc<dyn Transport>> {
        // The inner factory may be one of these too, if the defaults were applied twice.
        let options =
            ClientOptions { also_send_to: Vec::new(), spotlight: options::Spotlight::Off, ..options.clone() };
        let wanted = options.dsn.is_some() || !self.inner.needs_dsn(&options);
        wanted.then(|| self.inner.create_transport(&options))
    }

    /// Transports to the further servers, each with its own recorder.
    fn copies(&self, options: &ClientOptions, first: &Arc<dyn Transport>) -> Vec<Arc<dyn Transport>> {
        let Some(mut of_copy) = TransportOptions::try_from_client_options(options) else { return Vec::new() };
        // The rate of traces follows the health of the first server alone.
        of_copy.enable_backpressure_handling = false;
        let mut copies = Vec::new();
        for dsn in &options.also_send_to {
            let recorder = Recorder::default();
            recorder.set_enabled(options.send_client_reports);
            of_copy.client_report_recorder = recorder;
            of_copy.dsn = dsn.clone();
            let copy = self.inner.create_transport_with_options(of_copy.clone());
            if Arc::ptr_eq(&copy, first) {
                diagnostics::warn_once("fan out", || {
                    "also_send_to has no effect: the transport of the application is the same for every DSN"
                        .into()
                });
            } else {
                copies.push(copy);
            }
        }
        copies
    }
}

impl TransportFactory for FanOutFactory {
    fn create_transport(&self, options: &ClientOptions) -> Arc<dyn Transport> {
        let spotlight = Spotlight::of(options);
        // Without a DSN the application is switched off, copies included; Spotlight is the developer's own.
        let first = self.first(options);
        let copies = first.as_ref().map(|first| self.copies(options, first)).unwrap_or_default();
        match (first, copies.is_empty(), &spotlight) {
            (Some(only), true, None) => only,
            (first, ..) => Arc::new(FanOut { servers: first.into_iter().chain(copies).collect(), spotlight }),
        }
    }

    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        self.inner.create_transport_with_options(options)
    }

    fn needs_dsn(&self, options: &ClientOptions) -> bool {
        !options.spotlight.is_on() && self.inner.needs_dsn(options)
    }
}

impl fmt::Debug for FanOutFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOutFactory").finish_non_exhaustive()
    }
}

/// Gives everything to several transports.
struct FanOut {
    /// The one of `dsn` first; none if there is only Spotlight.
    servers: Vec<Arc<dyn Transport>>,
    spotlight: Option<Spotlight>,
}

/// What Spotlight may add to a wait for the servers.
const SPOTLIGHT_SHARE: Duration = Duration::from_millis(500);

/// A transport needs a moment after its deadline to count what is left; within the 50 ms we promise.
const GRACE: Duration = Duration::from_millis(30);

impl FanOut {
    /// One copy for each destination but the last, which gets the item itself.
    fn distribute<T: Clone>(&self, item: T, give: impl Fn(&dyn Transport, T), show: impl Fn(&Spotlight, T)) {
        let mut servers = self.servers.iter();
        let last = if self.spotlight.is_none() { servers.next_back() } else { None };
        servers.for_each(|server| give(&**server, item.clone()));
        match (last, &self.spotlight) {
            (Some(server), _) => give(&**server, item),
            (None, Some(spotlight)) => show(spotlight, item),
            (None, None) => {}
        }
    }

    /// Waits for Spotlight: with what is left while it is alone, and hardly beside real servers. Its failures are no
    /// failures then.
    fn wait_for_spotlight(
        &self,
        deadline: Deadline,
        wait: impl FnOnce(&Spotlight, Duration) -> bool,
    ) -> bool {
        let Some(spotlight) = &self.spotlight else { return true };
        let left = deadline.remaining(clock::instant());
        if self.servers.is_empty() {
            return wait(spotlight, left);
        }
        wait(spotlight, left.min(SPOTLIGHT_SHARE));
        true
    }
}

impl Transport for FanOut {
    fn send_envelope(&self, envelope: Envelope) {
        self.distribute(
            envelope,
            |server, envelope| server.send_envelope(envelope),
            |spotlight, envelope| spotlight.send(Outbound::from_envelope(envelope)),
        );
    }

    fn send(&self, outbound: Outbound) {
        self.distribute(outbound, |server, outbound| server.send(outbound), Spotlight::send);
    }

    fn wants_unsampled(&self) -> bool {
        self.spotlight.is_some()
    }

    fn send_unsampled(&self, outbound: Outbound) {
        if let Some(spotlight) = &self.spotlight {
            spotlight.send(outbound);
        }
    }

    /// The servers' notes tell of the same crashes.
    fn start(&self) -> LastRun {
        self.servers.iter().fold(LastRun::Unknown, |last_run, server| last_run.or(server.start()))
    }

    fn send_crashes(&self, timeout: Duration) -> bool {
        let deadline = Deadline::after(clock::instant(), timeout);
        let mut all = true;
        for server in &self.servers {
            // Each is told, also after one that cannot.
            all &= server.send_crashes(deadline.remaining(clock::instant()));
        }
        all
    }

    fn set_last_words(&self, envelope: Option<Envelope>) {
        self.servers.iter().for_each(|server| server.set_last_words(envelope.clone()));
    }

    /// Spotlight looks for itself.
    fn holds_for_consent(&self) -> bool {
        self.servers.iter().all(|server| server.holds_for_consent())
    }

    /// The first server asks for them, and all get them. Whoever watches Spotlight wants to see each at once.
    fn gather(&self, records: Gathered) -> bool {
        self.spotlight.is_none() && self.servers.first().is_some_and(|first| first.gather(records))
    }

    fn records_wait(&self) {
        if let Some(first) = self.servers.first() {
            first.records_wait();
        }
    }

    fn is_idle(&self) -> bool {
        self.servers.iter().all(|server| server.is_idle())
            && self.spotlight.as_ref().is_none_or(Spotlight::is_idle)
    }

    /// All are rung before any is waited for: a dead server uses up the time, but the others work meanwhile.
    fn flush(&self, timeout: Duration) -> bool {
        let deadline = Deadline::after(clock::instant(), timeout);
        if let [_, others @ ..] = &self.servers[..] {
            others.iter().for_each(|server| _ = server.flush(Duration::ZERO));
        }
        let mut flushed = true;
        for server in &self.servers {
            flushed &= server.flush(deadline.remaining(clock::instant()));
        }
        self.wait_for_spotlight(deadline, Spotlight::flush) && flushed
    }

    /// All at the same time: a close ends with the last report, which needs its own share of the time.
    fn shutdown(&self, timeout: Duration) -> bool {
        let deadline = Deadline::after(clock::instant(), timeout);
        let Some((first, others)) = self.servers.split_first() else {
            return self.wait_for_spotlight(deadline, Spotlight::close);
        };
        let others: Vec<_> = others.iter().map(|server| shutdown_aside(server, deadline)).collect();
        let mut closed = first.shutdown(deadline.remaining(clock::instant()));
        // One for all of them: several that hang do not add up.
        let answered_by = Deadline::from(deadline.instant() + GRACE);
        for answer in others {
            closed &= match answer {
                Ok(answer) => answer.recv_timeout(answered_by.remaining(clock::instant())).unwrap_or(false),
                Err(server) => server.shutdown(deadline.remaining(clock::instant())),
            };
        }
        self.wait_for_spotlight(deadline, Spotlight::close) && closed
    }
}

/// Shuts `server` down on a thread of its own; gives it back if there is none to be had.
fn shutdown_aside(
    server: &Arc<dyn Transport>,
    deadline: Deadline,
) -> Result<Receiver<bool>, Arc<dyn Transport>> {
    let (done, answer) = channel();
    let theirs = Arc::clone(server);
    let body = move || {
        let closed = suppress(|| theirs.shutdown(deadline.remaining(clock::instant())));
        // Nobody listens after the deadline.
        let _ = done.send(closed);
    };
    match Builder::new().name("sentry-close".into()).spawn(body) {
        Ok(_) => Ok(answer),
        Err(_) => {
            server.flush(Duration::ZERO);
            Err(Arc::clone(server))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::UNIX_EPOCH;

    use sentry_core::CrashedRun;
    use sentry_core::types::Uuid;

    use super::*;

    /// Does not end when it is told to.
    struct Stuck;

    impl Transport for Stuck {
        fn send_envelope(&self, _: Envelope) {}

        fn shutdown(&self, timeout: Duration) -> bool {
            std::thread::sleep(timeout + Duration::from_secs(30));
            true
        }
    }

    struct Done;

    impl Transport for Done {
        fn send_envelope(&self, _: Envelope) {}
    }

    /// Has a crash left, and never gets rid of it. Keeps how long it was given.
    struct Crashed(u64, Arc<Mutex<Vec<Duration>>>);

    impl Transport for Crashed {
        fn send_envelope(&self, _: Envelope) {}

        fn start(&self) -> LastRun {
            let time = UNIX_EPOCH + Duration::from_secs(self.0);
            LastRun::Crashed(CrashedRun::new(Uuid::from_u128(self.0.into()), time, true))
        }

        fn send_crashes(&self, timeout: Duration) -> bool {
            self.1.lock().unwrap().push(timeout);
            std::thread::sleep(timeout);
            false
        }
    }

    #[test]
    fn all_are_started_and_share_the_time_for_crashes() {
        let given = Arc::<Mutex<Vec<_>>>::default();
        let mut servers: Vec<Arc<dyn Transport>> = vec![Arc::new(Done)];
        for time in [7, 5, 6] {
            servers.push(Arc::new(Crashed(time, Arc::clone(&given))));
        }
        let fan_out = FanOut { servers, spotlight: None };
        let LastRun::Crashed(crash) = fan_out.start() else { panic!("three of them know of a crash") };
        assert_eq!(crash.event_id, Uuid::from_u128(7), "the latest");
        let all = Duration::from_millis(100);
        assert!(!fan_out.send_crashes(all));
        let given = given.lock().unwrap();
        assert!(
            given.len() == 3 && given.iter().sum::<Duration>() <= all && given[1..] == [Duration::ZERO; 2],
            "{given:?}"
        );
    }

    #[test]
    fn several_that_hang_take_no_longer_than_one() {
        let stuck = (0..10).map(|_| Arc::new(Stuck) as Arc<dyn Transport>);
        let servers = std::iter::once(Arc::new(Done) as Arc<dyn Transport>).chain(stuck).collect();
        let fan_out = FanOut { servers, spotlight: None };
        let (stalls, start) = (ingest::Stalls::watch(), clock::instant());
        assert!(!fan_out.shutdown(Duration::from_millis(100)));
        let took = start.elapsed();
        assert!(took < Duration::from_millis(250) + stalls.total(), "{took:?}");
    }
}
