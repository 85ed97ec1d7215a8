//! What the scopes and the integrations of a client leave on the wire.

use sentry::test::{with_captured_events, with_captured_events_options};
use sentry::{Breadcrumb, ClientOptions, Level};

fn crumb(message: &str) {
    sentry::add_breadcrumb(Breadcrumb { message: Some(message.to_owned()), ..Default::default() });
}

#[test]
fn breadcrumbs_of_all_scopes_come_in_the_order_they_were_added() {
    let events = with_captured_events(|| {
        crumb("first");
        sentry::with_scope(
            |_| {},
            || {
                crumb("second");
                sentry::with_scope(|_| {}, || crumb("third"));
                crumb("fourth");
                sentry::capture_message("inside", Level::Info);
            },
        );
    });
    let messages: Vec<_> =
        events[0].breadcrumbs.iter().filter_map(|crumb| crumb.message.as_deref()).collect();
    assert_eq!(messages.first(), Some(&"first"));
    let of_scope: Vec<_> = messages.iter().filter(|message| **message != "third").collect();
    assert_eq!(of_scope, [&"first", &"second", &"fourth"]);
}

#[test]
fn without_default_integrations_an_event_says_nothing_of_them() {
    let capture = |options: ClientOptions| {
        let options = sentry::apply_defaults(options);
        let events =
            with_captured_events_options(|| _ = sentry::capture_message("hello", Level::Error), options);
        let integrations = events[0].sdk.as_ref().map(|sdk| sdk.integrations.clone()).unwrap_or_default();
        (integrations.len(), events[0].contexts.contains_key("os"))
    };
    assert_eq!(capture(ClientOptions::new().default_integrations(false)), (0, false));
    let (count, _) = capture(ClientOptions::new());
    assert!(count > 0);
}
