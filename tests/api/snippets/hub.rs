//! Hubs: across threads, across tasks, and by hand.

use std::sync::Arc;
use std::thread;

use sentry::test::with_captured_events;
use sentry::{ClientOptions, Hub, HubSwitchGuard, Level, SentryFutureExt};

use super::doubles::hub;

#[test]
fn a_hub_is_taken_along_to_a_thread() {
    let events = with_captured_events(|| {
        Hub::current().configure_scope(|scope| scope.set_tag("request", "1"));
        let hub = Arc::new(Hub::new_from_top(Hub::current()));
        thread::scope(|threads| {
            threads.spawn(move || Hub::run(hub, || sentry::capture_message("elsewhere", Level::Info)));
        });
    });
    assert_eq!(events[0].tags["request"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_follows_a_task() {
    let (hub, transport) = hub(ClientOptions::default());
    let tasks: Vec<_> = (0..4)
        .map(|number| {
            let hub = Hub::new_from_top(&*hub);
            let task = async move {
                sentry::configure_scope(|scope| scope.set_tag("task", number));
                tokio::task::yield_now().await;
                sentry::capture_message("in a task", Level::Info);
            };
            tokio::spawn(task.bind_hub(hub))
        })
        .collect();
    for task in tasks {
        task.await.expect("the task does not panic");
    }
    let mut tags: Vec<_> =
        transport.fetch_and_clear_events().iter().map(|event| event.tags["task"].clone()).collect();
    tags.sort();
    assert_eq!(tags, ["0", "1", "2", "3"]);
}

#[tokio::test]
async fn the_current_hub_is_bound_to_a_future() {
    let (hub, transport) = hub(ClientOptions::default());
    async { sentry::capture_message("bound", Level::Info) }.bind_hub(Arc::clone(&hub)).await;
    let inner =
        Hub::run(hub, || async { sentry::capture_message("inner", Level::Info) }.bind_hub(Hub::current()));
    inner.await;
    assert_eq!(transport.fetch_and_clear_events().len(), 2);
}

#[test]
fn a_guard_switches_the_hub() {
    let (hub, transport) = hub(ClientOptions::default());
    let outer = Hub::current();
    {
        let _guard = HubSwitchGuard::new(Arc::clone(&hub));
        assert!(Arc::ptr_eq(&Hub::current(), &hub));
        sentry::capture_message("switched", Level::Info);
    }
    assert!(Arc::ptr_eq(&Hub::current(), &outer));
    assert_eq!(transport.fetch_and_clear_events().len(), 1);
}

#[test]
fn a_client_is_bound_by_hand() {
    let (with_client, transport) = hub(ClientOptions::default());
    let hub = Hub::new(None, Arc::new(Default::default()));
    hub.bind_client(with_client.client());
    hub.add_breadcrumb(sentry::Breadcrumb::default());
    hub.with_scope(|scope| scope.set_tag("by", "hand"), || hub.capture_message("bound", Level::Info));
    hub.bind_client(None);
    assert!(hub.capture_message("off", Level::Info).is_nil());
    assert_eq!(transport.fetch_and_clear_events().len(), 1);
    let answer = Hub::run(with_client, || Hub::with_active(|hub| Some(hub.last_event_id().is_none())));
    assert_eq!(answer, Some(true));
}
