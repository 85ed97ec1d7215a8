//! What takes locks of ours. All of it on one thread; what the worker does meanwhile belongs to it as well.

use std::sync::Arc;

use sentry::__spans::{Asks, Begun, Constants, Notes, Place};
use sentry::protocol::{Event, Level};
use sentry::{Breadcrumb, Hub, Scope, TransactionContext};

/// Each by its name.
pub(crate) const OPERATIONS: [(&str, fn()); 19] = [
    ("message", || (0..3).for_each(|_| _ = sentry::capture_message("hello", Level::Info))),
    ("error", || _ = sentry::capture_error(&std::io::Error::other("lost"))),
    ("event", || _ = sentry::capture_event(Event { message: Some("an event".into()), ..Event::default() })),
    ("breadcrumb", || {
        // Enough for a new part of what they are kept in.
        for _ in 0..40 {
            sentry::add_breadcrumb(Breadcrumb { message: Some("crumb".into()), ..Breadcrumb::default() });
        }
    }),
    ("configure-scope", || sentry::configure_scope(fill)),
    ("with-scope", || sentry::with_scope(fill, || _ = sentry::capture_message("within", Level::Info))),
    ("push-scope", || drop(Hub::current().push_scope())),
    ("global-scope", || sentry::configure_global_scope(fill)),
    ("new-hub", || Hub::run(Arc::new(Hub::new_from_top(Hub::current())), || sentry::configure_scope(fill))),
    ("bind-client", || {
        let hub = Hub::new_from_top(Hub::current());
        hub.bind_client(hub.client());
    }),
    ("transaction", transaction),
    ("placed-span", placed_span),
    ("log", || (0..3).for_each(|_| sentry::logger_info!(user.id = 42, "signed in"))),
    ("metric", || sentry::metrics::counter("requests", 1).attribute("path", "/").capture()),
    ("session", || {
        sentry::start_session();
        sentry::end_session();
    }),
    ("session-error", || {
        sentry::start_session();
        let _ = sentry::capture_error(&std::io::Error::other("lost"));
        sentry::end_session();
    }),
    ("first-hub", || {
        // A thread's first use of the SDK is a way of its own: here it panics in the thread's stead.
        let hub = Hub::new(Hub::current().client(), Arc::new(Scope::default()));
        Hub::run(Arc::new(hub), || _ = sentry::capture_message("first", Level::Info));
    }),
    ("flush", || {
        let _ = sentry::capture_message("flushed", Level::Info);
        if let Some(client) = Hub::current().client() {
            client.flush(Some(std::time::Duration::from_secs(20)));
        }
    }),
    ("second-client", || {
        let options = sentry::ClientOptions::new().dsn(&std::env::var("DSN").unwrap_or_default());
        let client = Arc::new(sentry::Client::from(sentry::apply_defaults(options)));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Hub::run(hub, || _ = sentry::capture_message("from another client", Level::Info));
        client.close(Some(std::time::Duration::from_secs(20)));
    }),
];

/// What was dropped on the way, for any reason.
pub(crate) fn lost() -> u64 {
    Hub::current().client().map_or(0, |client| client.stats().dropped)
}

fn fill(scope: &mut Scope) {
    scope.set_tag("step", "payment");
    scope.set_extra("attempt", 3.into());
    scope.set_fingerprint(Some(&["a", "b"]));
    scope.set_user(Some(sentry::User { id: Some("42".into()), ..sentry::User::default() }));
}

fn transaction() {
    let transaction = sentry::start_transaction(TransactionContext::new("GET /", "http.server"));
    sentry::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
    let child = transaction.start_child("db.query", "SELECT 1");
    child.set_data("rows", 3.into());
    child.finish();
    sentry::configure_scope(|scope| scope.set_span(None));
    transaction.finish();
}

/// A span as the layer for `tracing` has it: in a place, and the thread in it.
fn placed_span() {
    const ROOT: (u64, u32) = (1, 1);
    const SPAN: (u64, u32) = (2, 1);
    static PLACES: [Place; 2] = [Place::new(), Place::new()];
    static ASKS: Asks = Asks { tell: |_, _| {}, field: |_, _| Some("text"), origin: "auto.locks" };
    let constants = Constants::new(&(), &ASKS);
    let [above, place] = &PLACES;
    // What a panic has left, the time before.
    [SPAN, ROOT].into_iter().for_each(|(key, _)| Hub::exit_span(key));
    PLACES.iter().for_each(|place| place.vacate(1));

    let transaction = sentry::start_transaction(TransactionContext::new("GET /", "http.server"));
    let _ = above.keep(ROOT, transaction.into());
    Hub::enter_placed(ROOT, above);
    if let Some(root) = Hub::above_here() {
        let begun = Begun { target: "locks", name: "placed", constants };
        let _ = place.begin(SPAN, root, begun, |notes| notes.text(0, "short"));
        Hub::enter_placed(SPAN, place);
        let mut notes = Notes::default();
        notes.text(0, &"more than has room without an allocation".repeat(2));
        let _ = place.add_notes(SPAN, constants, &notes);
        let _ = sentry::capture_message("in it", Level::Info);
        Hub::exit_span(SPAN.0);
        let _ = place.finish(SPAN);
    }
    Hub::exit_span(ROOT.0);
    let _ = above.finish(ROOT);
}
