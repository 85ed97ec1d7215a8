//! The HTTP request that is being served.

use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

use crate::options::DataCollection;
use crate::protocol::Request;
use crate::suppress;

type Make = dyn Fn(&DataCollection) -> Request + Send + Sync + RefUnwindSafe;

/// A request that is known, or what makes it when an event needs it. Few requests ever have an event.
#[derive(Clone)]
pub(crate) enum Served {
    Known(Arc<Request>),
    Later(Arc<Make>),
}

impl Served {
    pub(super) fn later<F>(make: F) -> Self
    where
        F: Fn(&DataCollection) -> Request + Send + Sync + RefUnwindSafe + 'static,
    {
        Self::Later(Arc::new(make))
    }

    /// The request, as far as `collection` permits an integration to write it down.
    pub(super) fn request(&self, collection: impl FnOnce() -> DataCollection) -> Option<Request> {
        match self {
            Self::Known(request) => Some(Request::clone(request)),
            Self::Later(make) => suppress::guarded("request of the scope", || make(&collection())).ok(),
        }
    }

    pub(super) fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(a), Self::Known(b)) => Arc::ptr_eq(a, b),
            (Self::Later(a), Self::Later(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Known",
            Self::Later(_) => "Later",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{with_captured_envelopes_options, with_captured_events};
    use crate::{ClientOptions, Level, TransactionContext, capture_event, capture_message, configure_scope};

    fn request(method: &str) -> Request {
        Request { method: Some(method.to_owned()), ..Request::default() }
    }

    fn method(request: &Option<Request>) -> Option<&str> {
        request.as_ref()?.method.as_deref()
    }

    #[test]
    fn events_and_transactions_tell_the_request_unless_they_have_their_own() {
        let envelopes = with_captured_envelopes_options(
            || {
                configure_scope(|scope| scope.set_request(Some(request("GET"))));
                capture_message("a", Level::Error);
                let own = crate::protocol::Event { request: Some(request("PUT")), ..Default::default() };
                capture_event(own);
                crate::with_scope(|scope| scope.set_request(None), || capture_message("b", Level::Error));
                crate::start_transaction(TransactionContext::new("t", "op")).finish();
                let with_own = crate::start_transaction(TransactionContext::new("t", "op"));
                with_own.set_request(request("POST"));
                with_own.finish();
            },
            ClientOptions::new().traces_sample_rate(1.0),
        );
        let told: Vec<_> = envelopes
            .iter()
            .filter_map(|envelope| match envelope.items().next()? {
                crate::protocol::EnvelopeItem::Event(event) => Some(method(&event.request)),
                crate::protocol::EnvelopeItem::Transaction(it) => Some(method(&it.request)),
                _ => None,
            })
            .collect();
        assert_eq!(told, [Some("GET"), Some("PUT"), None, Some("GET"), Some("POST")]);
    }

    #[test]
    fn a_request_is_made_when_an_event_needs_it_with_the_permissions_of_the_client() {
        let run = |options: ClientOptions| {
            with_captured_envelopes_options(
                || {
                    configure_scope(|scope| {
                        scope.set_request_with(|collection| request(&collection.user_info.to_string()));
                    });
                    capture_message("a", Level::Error);
                },
                options,
            )
        };
        for pii in [true, false] {
            let envelopes = run(ClientOptions::new().send_default_pii(pii));
            assert_eq!(method(&envelopes[0].event().unwrap().request), Some(&*pii.to_string()));
        }
    }

    #[test]
    fn a_request_that_cannot_be_made_leaves_the_event_alone() {
        let events = with_captured_events(|| {
            configure_scope(|scope| scope.set_request_with(|_| panic!("no")));
            capture_message("a", Level::Error);
        });
        assert_eq!((events.len(), &events[0].request), (1, &None));
    }
}
