//! Native crashes, with the feature `crash-handler`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sentry_core::{Client, ConsentListener, ConsentState, Integration, LastRun};
use sentry_panic::native;

/// Reports what the last run has left, and crashes from now on.
///
/// What is written ahead for a crash is the user's data: not after a no.
pub(crate) fn start(client: &Arc<Client>) -> LastRun {
    let is_off = AtomicBool::new(client.consent() == ConsentState::Revoked);
    let obeys = Arc::new(Obeys { client: Arc::downgrade(client), is_off });
    let listener: Arc<dyn ConsentListener> = obeys.clone();
    client.options().consent_gate.listen(Arc::downgrade(&listener));
    drop(keep(Some(obeys)));
    if client.consent() == ConsentState::Revoked {
        native::forget(client);
        return LastRun::Unknown;
    }
    native::start(client)
}

/// Reports no crash any more.
pub(crate) fn stop(client: &Client) {
    drop(keep(None));
    native::stop(client);
}

/// Watches what the user says, as long as crashes are reported.
struct Obeys {
    client: Weak<Client>,
    /// After a no.
    is_off: AtomicBool,
}

impl ConsentListener for Obeys {
    fn decided(&self, _: bool) {
        let Some(client) = self.client.upgrade() else { return };
        let is_off = client.consent() == ConsentState::Revoked;
        match (self.is_off.swap(is_off, Ordering::AcqRel), is_off) {
            (false, true) => {
                native::stop(&client);
                native::forget(&client);
            }
            // There is nothing left to be told of the last run.
            (true, false) => _ = native::start(&client),
            _ => {}
        }
    }
}

/// The gate holds its listeners weakly.
fn keep(obeys: Option<Arc<Obeys>>) -> Option<Arc<Obeys>> {
    static KEPT: Mutex<Option<Arc<Obeys>>> = Mutex::new(None);
    std::mem::replace(&mut KEPT.lock().unwrap_or_else(PoisonError::into_inner), obeys)
}

/// The integration that asks for it.
pub(crate) fn integration() -> Option<Arc<dyn Integration>> {
    Some(Arc::new(native::CrashHandlerIntegration::new()))
}
