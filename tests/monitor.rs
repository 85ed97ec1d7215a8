//! Check-ins of jobs that are tokio tasks, as a server gets them.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use ingest::Server;
use sentry::protocol::{MonitorConfig, MonitorSchedule, Value};
use sentry::{Client, ClientOptions, Hub, Monitor, SentryFutureExt as _};
use tokio::runtime::Runtime;

/// Runs tasks on a hub of their own; returns what the server was told, oldest first.
fn told(tasks: impl AsyncFnOnce()) -> Vec<Value> {
    let server = Server::start();
    let options = ClientOptions::new().dsn(&server.dsn()).release("jobs@1").environment("test");
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    Runtime::new().unwrap().block_on(tasks().bind_hub(hub));
    assert!(client.close(Some(Duration::from_secs(20))));
    server.log().payloads("check_in")
}

/// The statuses of the runs of one monitor. They may arrive in any order: requests are made side by side.
fn statuses(told: &[Value], slug: &str) -> Vec<String> {
    let own = told.iter().filter(|check_in| check_in["monitor_slug"] == slug);
    let mut statuses: Vec<_> = own.map(|check_in| check_in["status"].as_str().unwrap().to_owned()).collect();
    statuses.sort();
    statuses
}

#[test]
fn a_task_is_watched_to_its_end_however_that_comes() {
    let told = told(async || {
        let hub = Hub::current();
        let spawn = |slug: &'static str, job: fn() -> Result<(), &'static str>| {
            tokio::spawn(Monitor::new(slug).watch(async move { job() }).bind_hub(Arc::clone(&hub)))
        };
        assert_eq!(spawn("well", || Ok(())).await.unwrap(), Ok(()));
        assert_eq!(spawn("fails", || Err("no")).await.unwrap(), Err("no"));
        assert!(spawn("panics", || panic!("as ordered")).await.unwrap_err().is_panic());
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let endless = async move {
            let _ = begun.send(());
            pending::<()>().await;
        };
        let aborted = tokio::spawn(Monitor::new("aborted").watch(endless).bind_hub(Arc::clone(&hub)));
        has_begun.await.unwrap();
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        // One that never begins tells nothing.
        drop(Monitor::new("never").watch(pending::<()>()));
    });
    assert_eq!(statuses(&told, "well"), ["in_progress", "ok"]);
    for failed in ["fails", "panics", "aborted"] {
        assert_eq!(statuses(&told, failed), ["error", "in_progress"], "{failed}");
    }
    assert_eq!(told.len(), 8);
}

#[test]
fn the_first_check_in_of_a_run_describes_the_monitor() {
    let told = told(async || {
        let monitor = Monitor::new("backup").owner("team:operations").config(MonitorConfig {
            schedule: MonitorSchedule::from_crontab("0 3 * * mon-fri").unwrap(),
            checkin_margin: Some(5),
            max_runtime: Some(30),
            timezone: Some("Europe/Oslo".into()),
            failure_issue_threshold: Some(2),
            recovery_threshold: Some(3),
        });
        monitor.watch(async {}).await;
    });
    let find = |status: &str| told.iter().find(|check_in| check_in["status"] == status).unwrap();
    let (begun, ended) = (find("in_progress"), find("ok"));
    let config = serde_json::json!({
        "schedule": {"type": "crontab", "value": "0 3 * * mon-fri"}, "checkin_margin": 5, "max_runtime": 30,
        "timezone": "Europe/Oslo", "failure_issue_threshold": 2, "recovery_threshold": 3, "owner": "team:operations"
    });
    assert_eq!(begun["monitor_config"], config);
    assert_eq!((&begun["release"], &begun["environment"]), (&"jobs@1".into(), &"test".into()));
    assert_eq!(begun["check_in_id"], ended["check_in_id"]);
    assert_eq!(begun["contexts"]["trace"]["trace_id"].as_str().unwrap().len(), 32);
    assert!(begun["duration"].is_null() && ended["duration"].as_f64().unwrap() >= 0.0);
    assert!(ended["monitor_config"].is_null());
}

#[test]
fn a_schedule_that_is_none_says_what_one_looks_like() {
    for text in ["every day", "* * * *", "61 * * * *"] {
        let error = MonitorSchedule::from_crontab(text).unwrap_err().to_string();
        assert!(error.contains(text) && error.contains("five fields"), "{error}");
    }
}
