//! An event as a person wants to read it.
//!
//! ```
//! let event = serde_json::json!({
//!     "level": "fatal",
//!     "exception": {"values": [{
//!         "type": "panic", "value": "disk full", "mechanism": {"type": "panic", "handled": false},
//!         "stacktrace": {"frames": [
//!             {"function": "main", "filename": "src/main.rs", "lineno": 7, "in_app": true,
//!              "pre_context": ["fn main() {"], "context_line": "    save().unwrap();", "post_context": ["}"]},
//!             {"function": "core::result::unwrap_failed", "filename": "result.rs", "lineno": 1855, "in_app": false},
//!         ]},
//!     }]},
//!     "tags": {"plan": "free"},
//! });
//! assert_eq!(ingest::report::render(&event), "\
//! panic: disk full [fatal]
//!   in main at src/main.rs:7
//!
//!   tags         plan = free
//!
//! Exception panic: disk full (panic, unhandled)
//!     core::result::unwrap_failed at result.rs:1855
//!   > main at src/main.rs:7
//!           6 | fn main() {
//!     >     7 |     save().unwrap();
//!           8 | }
//! ");
//! ```

mod stack;
mod time;

use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::check::values;

/// Prints an event: title and place; tags, user, release; breadcrumbs; the chain of exceptions, outermost first, each with
/// its stack, newest frame first; other threads. Frames of the application are marked with `>` and show their source.
///
/// Plain text, for terminals and files alike, that ends in a newline. Fields that are missing or of an unexpected type
/// are left out.
#[must_use]
pub fn render(event: &Value) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(event, &mut text);
    text
}

fn write(event: &Value, out: &mut String) -> fmt::Result {
    let exceptions = values(&event["exception"]);
    writeln!(out, "{} [{}]", title(event, exceptions), event["level"].as_str().unwrap_or("error"))?;
    if let Some(place) = place(event, exceptions) {
        writeln!(out, "  in {place}")?;
    }
    facts(event, out)?;
    breadcrumbs(values(&event["breadcrumbs"]), out)?;
    for (position, exception) in exceptions.iter().rev().enumerate() {
        let word = if position == 0 { "Exception" } else { "Caused by" };
        writeln!(out, "\n{word} {}{}", headline(exception), mechanism(&exception["mechanism"]))?;
        stack::write(&exception["stacktrace"], out)?;
    }
    for thread in values(&event["threads"]).iter().filter(|thread| !thread["stacktrace"].is_null()) {
        writeln!(
            out,
            "\nThread {}",
            thread["name"].as_str().map_or_else(|| plain(&thread["id"]), str::to_owned)
        )?;
        stack::write(&thread["stacktrace"], out)?;
    }
    if !event["stacktrace"].is_null() {
        writeln!(out, "\nStack")?;
        stack::write(&event["stacktrace"], out)?;
    }
    Ok(())
}

fn title(event: &Value, exceptions: &[Value]) -> String {
    if let Some(outermost) = exceptions.last() {
        return headline(outermost);
    }
    let messages = [&event["logentry"]["formatted"], &event["logentry"]["message"], &event["message"]];
    let message = messages.into_iter().find_map(Value::as_str);
    message.or_else(|| event["transaction"].as_str()).unwrap_or("<event without a title>").to_owned()
}

fn headline(exception: &Value) -> String {
    match (exception["type"].as_str(), exception["value"].as_str()) {
        (Some(kind), Some(value)) => format!("{kind}: {value}"),
        (one, other) => one.or(other).unwrap_or("<unnamed>").to_owned(),
    }
}

/// The newest application frame of the outermost error that has a stack.
fn place(event: &Value, exceptions: &[Value]) -> Option<String> {
    let stacks = exceptions.iter().rev().chain(values(&event["threads"])).map(|owner| &owner["stacktrace"]);
    let frame = stacks.chain([&event["stacktrace"]]).find_map(stack::newest_in_app);
    frame.map(stack::describe).or_else(|| event["transaction"].as_str().map(str::to_owned))
}

fn mechanism(mechanism: &Value) -> String {
    let handled = match mechanism["handled"].as_bool() {
        Some(true) => Some("handled"),
        Some(false) => Some("unhandled"),
        None => None,
    };
    let words: Vec<_> = mechanism["type"].as_str().into_iter().chain(handled).collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// The lines of the form `name  value` between the title and the breadcrumbs.
fn facts(event: &Value, out: &mut String) -> fmt::Result {
    let contexts = &event["contexts"];
    let facts = [
        ("event", plain(&event["event_id"])),
        ("time", time::date_and_time(&event["timestamp"]).unwrap_or_default()),
        ("logger", plain(&event["logger"])),
        ("transaction", plain(&event["transaction"])),
        ("release", plain(&event["release"])),
        ("environment", plain(&event["environment"])),
        ("server", plain(&event["server_name"])),
        ("user", pairs(&event["user"])),
        ("tags", pairs(&event["tags"])),
        ("extra", pairs(&event["extra"])),
        ("request", words(&[&event["request"]["method"], &event["request"]["url"]])),
        ("os", words(&[&contexts["os"]["name"], &contexts["os"]["version"]])),
        ("runtime", words(&[&contexts["runtime"]["name"], &contexts["runtime"]["version"]])),
        ("trace", plain(&contexts["trace"]["trace_id"])),
    ];
    let mut gap = "\n";
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "{gap}  {name:<12} {}", value.replace('\n', "\n               "))?;
        gap = "";
    }
    Ok(())
}

fn breadcrumbs(breadcrumbs: &[Value], out: &mut String) -> fmt::Result {
    if breadcrumbs.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nBreadcrumbs")?;
    let width = |key: &str| breadcrumbs.iter().filter_map(|crumb| crumb[key].as_str()).map(str::len).max();
    let (level_width, category_width) = (width("level").unwrap_or(0).max(4), width("category").unwrap_or(0));
    for crumb in breadcrumbs {
        let time = time::time_of_day(&crumb["timestamp"]).unwrap_or_else(|| "--:--:--.---".to_owned());
        let level = crumb["level"].as_str().unwrap_or("info");
        let category = crumb["category"].as_str().unwrap_or_default();
        let mut line = format!("  {time}  {level:<level_width$}  {category:<category_width$}");
        for part in [plain(&crumb["message"]), pairs(&crumb["data"])].iter().filter(|part| !part.is_empty()) {
            write!(line, "  {}", part.replace('\n', " "))?;
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A map, or the list of pairs that the protocol accepts in its place, on one line.
fn pairs(map: &Value) -> String {
    let pair = |name: &str, value: &Value| format!("{name} = {}", plain(value));
    let pairs: Vec<_> = match map {
        Value::Object(map) => map.iter().map(|(name, value)| pair(name, value)).collect(),
        Value::Array(list) => list.iter().map(|entry| pair(&plain(&entry[0]), &entry[1])).collect(),
        _ => Vec::new(),
    };
    pairs.join(", ")
}

fn words(parts: &[&Value]) -> String {
    parts.iter().filter_map(|part| part.as_str()).collect::<Vec<_>>().join(" ")
}

/// A value without the quotes of JSON around strings; nothing for null.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_error_event_reads_from_the_outside_in() {
        let event = json!({
            "event_id": "c993afb6b4ac48a6b61b2558e601d65d", "timestamp": "2025-01-02T03:04:05.678Z", "level": "error",
            "release": "shop@1.2.3", "environment": "production", "server_name": "web-1", "logger": "checkout",
            "user": {"id": "7", "email": "a@b.c"}, "tags": [["plan", "free"], ["region", "eu"]],
            "extra": {"cart": {"items": 3}}, "request": {"method": "GET", "url": "http://x/y"},
            "contexts": {"os": {"name": "Linux", "version": "6.1"}, "runtime": {"name": "rustc", "version": "1.89"},
                "trace": {"trace_id": "8f431b7aa08441bbbd5a0100fd91f9fe"}},
            "breadcrumbs": {"values": [
                {"timestamp": 1735787045.001, "category": "auth", "message": "signed in", "level": "warning"},
                {"timestamp": "2025-01-02T03:04:05Z", "type": "http", "data": {"status": 200, "url": "/cart"}},
                {"message": "two\nlines", "category": "db"},
            ]},
            "exception": {"values": [
                {"type": "ParseIntError", "value": "invalid digit found in string"},
                {"type": "ConfigError", "value": "port is not a number",
                 "mechanism": {"type": "generic", "handled": true},
                 "stacktrace": {"frames": [
                    {"function": "shop::main", "filename": "src/main.rs", "lineno": 100, "colno": 5, "in_app": true,
                     "pre_context": ["a", "b"], "context_line": "    load()?;", "post_context": ["}"]},
                    {"function": "shop::config::load", "filename": "src/config.rs", "lineno": 9, "in_app": true},
                    {"function": "std::rt::lang_start", "in_app": false, "context_line": "hidden", "lineno": 1},
                 ]}},
            ]},
        });
        let expected = "\
ConfigError: port is not a number [error]
  in shop::config::load at src/config.rs:9

  event        c993afb6b4ac48a6b61b2558e601d65d
  time         2025-01-02 03:04:05.678 UTC
  logger       checkout
  release      shop@1.2.3
  environment  production
  server       web-1
  user         email = a@b.c, id = 7
  tags         plan = free, region = eu
  extra        cart = {\"items\":3}
  request      GET http://x/y
  os           Linux 6.1
  runtime      rustc 1.89
  trace        8f431b7aa08441bbbd5a0100fd91f9fe

Breadcrumbs
  03:04:05.001  warning  auth  signed in
  03:04:05.000  info           status = 200, url = /cart
  --:--:--.---  info     db    two lines

Exception ConfigError: port is not a number (generic, handled)
    std::rt::lang_start at line 1
  > shop::config::load at src/config.rs:9
  > shop::main at src/main.rs:100:5
         98 | a
         99 | b
    >   100 |     load()?;
        101 | }

Caused by ParseIntError: invalid digit found in string
";
        assert_eq!(render(&event), expected);
    }

    #[test]
    fn a_message_shows_its_text_and_the_stack_of_its_thread() {
        let event = json!({
            "level": "info", "logentry": {"message": "hi %s", "formatted": "hi you"},
            "threads": {"values": [
                {"id": 1, "name": "main", "current": true, "stacktrace": {"frames": [
                    {"instruction_addr": "0x10", "in_app": true}, {"package": "libc.so", "instruction_addr": "0x20"},
                ]}},
                {"id": 2},
            ]},
        });
        let expected = "\
hi you [info]
  in 0x10

Thread main
    0x20 in libc.so
  > 0x10
";
        assert_eq!(render(&event), expected);
    }

    #[test]
    fn ugly_input_is_printed_without_a_panic() {
        for event in [
            json!(null),
            json!([]),
            json!({"exception": 7, "breadcrumbs": [1], "tags": "x", "user": [[]], "threads": {"values": {}}}),
            json!({"exception": [{}], "timestamp": 1e300}),
            json!({"exception": [{"stacktrace": {"frames": [null, {}, {"lineno": -3, "context_line": "x",
                "in_app": true, "pre_context": ["a", "b", "c", 1]}]}}]}),
        ] {
            assert!(render(&event).ends_with('\n'));
        }
    }
}
