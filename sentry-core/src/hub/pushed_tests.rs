//! Pushed scopes: what shows in them, and what is left when they are gone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::protocol::{Breadcrumb, Event};
use crate::test::with_captured_events;
use crate::{Hub, Level, add_breadcrumb, capture_message, configure_scope, with_scope};

fn crumb(message: &str) {
    add_breadcrumb(Breadcrumb { message: Some(message.to_owned()), ..Default::default() });
}

/// The tags and the breadcrumbs of each event that `run` captures.
fn told(run: impl FnOnce()) -> Vec<(String, String)> {
    let tags = |event: &Event<'_>| event.tags.keys().cloned().collect::<Vec<_>>().join(" ");
    let crumbs = |event: &Event<'_>| {
        let messages = event.breadcrumbs.iter().filter_map(|crumb| crumb.message.clone());
        messages.collect::<Vec<_>>().join(" ")
    };
    with_captured_events(run).iter().map(|event| (tags(event), crumbs(event))).collect()
}

fn message() {
    capture_message("", Level::Info);
}

fn is(tags: &str, crumbs: &str) -> (String, String) {
    (tags.to_owned(), crumbs.to_owned())
}

#[test]
fn a_scope_that_nobody_has_written_to_shows_what_is_below() {
    let told = told(|| {
        configure_scope(|scope| scope.set_tag("outer", 1));
        crumb("a");
        with_scope(
            |_| {},
            || {
                message();
                with_scope(|scope| scope.set_tag("inner", 1), || with_scope(|_| {}, message));
                message();
            },
        );
    });
    assert_eq!(told, [is("outer", "a"), is("inner outer", "a"), is("outer", "a")]);
}

#[test]
fn what_is_written_later_stays_inside_as_well() {
    let told = told(|| {
        configure_scope(|scope| {
            scope.set_tag("a", 1);
            scope.set_tag("b", 1);
        });
        with_scope(
            |_| {},
            || {
                configure_scope(|scope| scope.remove_tag("a"));
                with_scope(|_| {}, || configure_scope(|scope| scope.set_tag("c", 1)));
                message();
            },
        );
        message();
        let guard = Hub::current().push_scope();
        configure_scope(|scope| scope.clear());
        message();
        drop(guard);
        message();
    });
    assert_eq!(told, [is("b", ""), is("a b", ""), is("", ""), is("a b", "")]);
}

#[test]
fn breadcrumbs_belong_to_the_scope_they_were_added_in() {
    let told = told(|| {
        crumb("1");
        with_scope(
            |_| {},
            || {
                crumb("2");
                with_scope(|scope| scope.set_tag("inner", 1), || crumb("gone"));
                crumb("3");
                message();
                let other = Arc::new(Hub::new_from_top(Hub::current()));
                crumb("4");
                Hub::run(other, || {
                    crumb("5");
                    message();
                });
                message();
            },
        );
        crumb("6");
        message();
    });
    assert_eq!(told, [is("", "1 2 3"), is("", "1 2 3 5"), is("", "1 2 3 4"), is("", "1 6")]);
}

#[test]
fn what_happens_while_a_scope_is_set_up_happens_in_it() {
    let told = told(|| {
        crumb("outer");
        with_scope(
            |scope| {
                crumb("inside");
                configure_scope(|scope| scope.set_tag("nested", 1));
                message();
                scope.set_tag("own", 1);
            },
            message,
        );
        message();
    });
    assert_eq!(told, [is("nested", "outer inside"), is("nested own", "outer inside"), is("", "outer")]);
}

#[test]
fn a_panic_while_a_scope_is_set_up_or_used_takes_it_away() {
    let told = told(|| {
        let set_up = || {
            with_scope(
                |scope| {
                    scope.set_tag("inside", 1);
                    crumb("inside");
                    panic!("expected by the test");
                },
                || {},
            );
        };
        assert!(catch_unwind(AssertUnwindSafe(set_up)).is_err());
        let used = || with_scope(|scope| scope.set_tag("inside", 1), || panic!("expected by the test"));
        assert!(catch_unwind(AssertUnwindSafe(used)).is_err());
        message();
    });
    assert_eq!(told, [is("", "")]);
}
