//! Scopes: what is set on them, and what is gone afterwards.

use std::sync::Arc;

use sentry::protocol::{Attachment, Breadcrumb, Context, Event, Map, User, Value};
use sentry::test::{with_captured_envelopes, with_captured_events, with_captured_events_options};
use sentry::{ClientOptions, Hub, Level};

#[test]
fn what_is_configured_is_on_every_event() {
    let events = with_captured_events(|| {
        sentry::configure_scope(|scope| {
            scope.set_user(Some(User {
                id: Some("7".into()),
                username: Some("jane".to_string()),
                email: Some("jane@example.com".to_owned()),
                ip_address: "127.0.0.1".parse().ok(),
                ..Default::default()
            }));
            scope.set_tag("plan", "free");
            scope.set_tag("shard", 3);
            scope.set_extra("cart", "3 items".into());
            scope.set_level(Some(Level::Warning));
            scope.set_fingerprint(Some(["cart", "timeout"].as_ref()));
            scope.set_transaction(Some("checkout"));
            let mut character = Map::new();
            character.insert(String::from("name"), Value::from("Mighty Fighter"));
            scope.set_context("character", Context::Other(character));
        });
        sentry::capture_message("hello", Level::Info);
        sentry::configure_scope(|scope| {
            assert_eq!(scope.user().and_then(|user| user.id.as_deref()), Some("7"));
            scope.remove_tag("plan");
            scope.remove_extra("cart");
            scope.remove_context("character");
            scope.set_user(None);
        });
        sentry::capture_message("later", Level::Info);
    });
    let [first, later] = &events[..] else { panic!("{events:?}") };
    assert_eq!((first.tags["plan"].as_str(), first.tags["shard"].as_str()), ("free", "3"));
    assert_eq!((first.level, first.transaction.as_deref()), (Level::Warning, Some("checkout")));
    assert_eq!(first.fingerprint.as_ref(), ["cart", "timeout"]);
    assert_eq!(first.extra["cart"], "3 items");
    assert!(matches!(&first.contexts["character"], Context::Other(map) if map["name"] == "Mighty Fighter"));
    assert!(later.user.is_none() && !later.tags.contains_key("plan") && later.extra.is_empty());
}

#[test]
fn a_scope_ends_with_its_closure_or_guard() {
    let events = with_captured_events(|| {
        let id = sentry::with_scope(
            |scope| {
                scope.set_level(Some(Level::Error));
                scope.set_tag("step", "inner");
            },
            || sentry::capture_message("in with_scope", Level::Info),
        );
        assert!(!id.is_nil());
        {
            let _guard = Hub::current().push_scope();
            sentry::configure_scope(|scope| scope.set_tag("step", "pushed"));
            sentry::capture_message("in push_scope", Level::Info);
        }
        sentry::capture_message("outside", Level::Info);
    });
    let steps: Vec<_> = events.iter().map(|event| event.tags.get("step").map(String::as_str)).collect();
    assert_eq!(steps, [Some("inner"), Some("pushed"), None]);
}

#[test]
fn breadcrumbs_are_added_and_filtered() {
    let options = ClientOptions {
        max_breadcrumbs: 2,
        before_breadcrumb: Some(Arc::new(|mut breadcrumb| {
            breadcrumb.data.remove("secret");
            (breadcrumb.category.as_deref() != Some("noise")).then_some(breadcrumb)
        })),
        ..Default::default()
    };
    let events = with_captured_events_options(
        || {
            sentry::add_breadcrumb(Breadcrumb {
                ty: "http".into(),
                category: Some("http".into()),
                message: Some("GET /cart".into()),
                data: Map::from([("secret".to_string(), 1.into()), ("status_code".to_string(), 200.into())]),
                ..Default::default()
            });
            sentry::add_breadcrumb(|| Breadcrumb { category: Some("noise".into()), ..Default::default() });
            sentry::add_breadcrumb(vec![Breadcrumb { level: Level::Error, ..Default::default() }]);
            sentry::capture_message("hello", Level::Info);
        },
        options,
    );
    let breadcrumbs = &events[0].breadcrumbs;
    assert_eq!(breadcrumbs.len(), 2);
    assert_eq!(breadcrumbs[0].data.keys().collect::<Vec<_>>(), ["status_code"]);
}

#[test]
fn event_processors_change_and_drop_events() {
    let events = with_captured_events(|| {
        sentry::configure_scope(|scope| {
            scope.add_event_processor(|mut event: Event<'static>| {
                event.request = Some(sentry::protocol::Request {
                    url: "https://example.com/cart".parse().ok(),
                    method: Some("GET".into()),
                    ..Default::default()
                });
                Some(event)
            });
            scope.add_event_processor(move |event| {
                (event.message.as_deref() != Some("dropped")).then_some(event)
            });
        });
        sentry::capture_message("kept", Level::Info);
        sentry::capture_message("dropped", Level::Info);
    });
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].request.as_ref().and_then(|request| request.method.as_deref()), Some("GET"));
}

#[test]
fn attachments_go_with_the_event() {
    let envelopes = with_captured_envelopes(|| {
        sentry::with_scope(
            |scope| {
                scope.add_attachment(Attachment {
                    buffer: b"a log".to_vec(),
                    filename: "shop.log".into(),
                    content_type: Some("text/plain".into()),
                    ty: None,
                });
            },
            || sentry::capture_message("hello", Level::Info),
        );
    });
    assert_eq!(envelopes.len(), 1);
    assert_eq!(envelopes[0].items().count(), 2);
}
