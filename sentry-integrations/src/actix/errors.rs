//! Errors that become answers.

use std::error::Error as StdError;
use std::sync::Arc;

use actix_web::Error;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use sentry_core::__callbacks::caught;
use sentry_core::types::Uuid;
use sentry_core::{Hint, Hub, event_from_error};

/// What captured them.
const MECHANISM: &str = "actix";
const EVENT_ID: HeaderName = HeaderName::from_static("x-sentry-event");

type Find = dyn Fn(&Error) -> Option<&(dyn StdError + 'static)> + Send + Sync;

/// What is done about errors.
#[derive(Clone)]
pub(super) struct Errors {
    pub(super) are_captured: bool,
    pub(super) emit_header: bool,
    /// Finds what is behind an error of `actix`.
    pub(super) find: Option<Arc<Find>>,
}

impl Default for Errors {
    fn default() -> Self {
        Self { are_captured: true, emit_header: false, find: None }
    }
}

impl Errors {
    /// Captures the error behind an answer, if the server is to blame.
    #[inline]
    pub(super) fn behind<B>(&self, response: &mut ServiceResponse<B>, hub: &Hub) {
        if !self.are_captured || !response.status().is_server_error() {
            return;
        }
        let Some(error) = response.response().error() else { return };
        let id = self.capture(error, hub);
        if self.emit_header
            && !id.is_nil()
            && let Ok(id) = HeaderValue::from_str(&id.simple().to_string())
        {
            response.headers_mut().insert(EVENT_ID, id);
        }
    }

    /// The same for one that no answer was made of yet.
    #[cold]
    pub(super) fn on_its_way(&self, error: &Error, hub: &Hub) {
        if self.are_captured && error.as_response_error().status_code().is_server_error() {
            self.capture(error, hub);
        }
    }

    #[cold]
    fn capture(&self, error: &Error, hub: &Hub) -> Uuid {
        let find = |find: &Arc<Find>| caught("error_chain", || find(error)).ok().flatten();
        let found = self.find.as_ref().and_then(find).or_else(|| boxed(error));
        let shown = found.unwrap_or(error);
        let mut event = event_from_error(shown);
        let outermost = event.exception.last_mut().and_then(|exception| exception.mechanism.as_mut());
        if let Some(mechanism) = outermost {
            MECHANISM.clone_into(&mut mechanism.ty);
        }
        hub.capture_event_with_hint(event, Hint::of_error(shown).with_captured(error))
    }
}

/// The error in a box, which `actix` takes as it is.
fn boxed(error: &Error) -> Option<&(dyn StdError + 'static)> {
    error.as_error::<Box<dyn StdError>>().map(|error| &**error)
}
