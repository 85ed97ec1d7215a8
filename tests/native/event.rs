//! What the event of a crash has to say.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use sentry::protocol::Value;

use crate::cases::Case;
use crate::crashing::Ended;
use crate::ways::Way;

/// A process that lives so long had no time for all names.
const NAMING: Duration = Duration::from_millis(1_100);

/// Checks it, and tells whether its frames have names.
pub(crate) fn verify(event: &Value, case: &Case, place: &str, way: Way, died: &Ended, about: &str) -> bool {
    if std::env::var_os("SHOW").is_some() {
        println!("{event:#}");
    }
    let exceptions = event["exception"]["values"].as_array().expect("exceptions");
    assert_eq!(exceptions.len(), 1, "{about}");
    let exception = &exceptions[0];
    let (mechanism, signal) = (&exception["mechanism"], &exception["mechanism"]["meta"]["signal"]);
    if !case.signal.is_empty() {
        assert_eq!(exception["type"], case.signal, "{about}");
    }
    assert!(
        exception["value"].as_str().unwrap_or_default().contains(case.value),
        "{about}: {}",
        exception["value"]
    );
    assert_eq!(
        (&mechanism["type"], &mechanism["handled"]),
        (&"signalhandler".into(), &false.into()),
        "{about}"
    );
    assert_eq!(signal["name"], exception["type"], "{about}");
    // std ends an overflow by an abort of its own.
    if case.kind != "overflow" {
        assert_eq!(signal["number"].as_i64(), died.status.signal().map(i64::from), "{about}");
    }
    assert_eq!(event["level"], "fatal", "{about}");
    let crashed: Vec<&Value> = event["threads"]["values"]
        .as_array()
        .expect("threads")
        .iter()
        .filter(|thread| thread["crashed"] == true)
        .collect();
    assert_eq!(crashed.len(), 1, "{about}");
    assert_eq!(crashed[0]["id"], exception["thread_id"], "{about}");
    let is_any = case.kind == "heap";
    let name = if place == "thread" { "worker" } else { "crashing" };
    assert!(is_any || crashed[0]["name"] == name, "{about}: {}", crashed[0]["name"]);
    assert!(exception["stacktrace"]["registers"].as_object().is_some_and(|all| all.len() > 10), "{about}");
    assert!(event["debug_meta"]["images"].as_array().is_some_and(|images| images.len() > 1), "{about}");
    assert_eq!((&event["release"], &event["environment"]), (&"crashing@1".into(), &"test".into()), "{about}");
    assert_eq!(event["tags"]["kind"], case.kind, "{about}: {}", event["tags"]);
    assert_eq!(event["user"]["id"], "42", "{about}");
    assert_eq!(event["breadcrumbs"]["values"][0]["message"], "about to crash", "{about}");
    assert!(event["contexts"]["os"]["name"].is_string(), "{about}: {}", event["contexts"]);
    if case.function.is_empty() {
        return false;
    }
    let frames = exception["stacktrace"]["frames"].as_array().expect("frames");
    if way != Way::Record && frames[0]["package"].is_null() && died.took > NAMING {
        // The dying process had no time for more names: a machine that does much else.
        println!("{about}: not all frames have names");
        return false;
    }
    let newest = frames
        .iter()
        .rev()
        .find(|frame| frame["in_app"] == true)
        .unwrap_or_else(|| panic!("{about}: {frames:#?}"));
    let function = newest["function"].as_str().unwrap_or_default();
    assert!(function.ends_with(&format!("kinds::{}", case.function)), "{about}: {function} of {frames:#?}");
    assert!(newest["filename"].as_str().unwrap_or_default().ends_with("kinds.rs"), "{about}: {newest}");
    if let Some(line) = died.number("line") {
        let lines = line..=died.number("last").unwrap_or(line);
        assert!(newest["lineno"].as_u64().is_some_and(|line| lines.contains(&line)), "{about}: {newest}");
    }
    true
}
