use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::client_report::protocol::Category;
use crate::protocol::{EnvelopeItem, ItemContainer, Log, LogAttribute, LogLevel, User};
use crate::test::with_captured_envelopes_options;
use crate::{ClientOptions, Hub, TransactionContext};

fn written(options: ClientOptions, run: impl FnOnce()) -> Vec<Log> {
    let envelopes = with_captured_envelopes_options(run, options.traces_sample_rate(1.0));
    let logs = |item: &EnvelopeItem| match item {
        EnvelopeItem::ItemContainer(ItemContainer::Logs(logs)) => logs.clone(),
        _ => Vec::new(),
    };
    envelopes.iter().flat_map(|envelope| envelope.items().flat_map(logs).collect::<Vec<_>>()).collect()
}

fn options() -> ClientOptions {
    ClientOptions::new().release("app@1").environment("test").server_name("host")
}

fn log(body: &str) -> Log {
    Log {
        level: LogLevel::Info,
        body: body.to_owned(),
        trace_id: None,
        timestamp: SystemTime::UNIX_EPOCH,
        severity_number: None,
        attributes: Default::default(),
    }
}

#[test]
fn the_macros_take_text_arguments_and_attributes() {
    let name = String::from("world");
    let logs = written(options(), || {
        crate::logger_trace!("Hello, world!");
        crate::logger_debug!("Value is {}", 42);
        crate::logger_info!(user.id = 42u64, "signed in");
        crate::logger_warn!(a = 1, b.c.d = "x", f = 1.5, "Hello {} and {:?}", name, "you");
        let inline = 7;
        crate::logger_error!("inline {inline}");
        crate::logger_fatal!(ok = true, "{} {} {} {} {}", 1, 2, 3, 4, 5);
    });
    let bodies: Vec<_> = logs.iter().map(|log| &*log.body).collect();
    assert_eq!(
        bodies,
        ["Hello, world!", "Value is 42", "signed in", "Hello world and \"you\"", "inline 7", "1 2 3 4 5"]
    );
    let numbers: Vec<_> = logs.iter().map(|log| u8::from(log.severity_number.unwrap())).collect();
    assert_eq!(numbers, [1, 5, 9, 13, 17, 21]);
    let own = |log: &Log| -> Value {
        let is_own = |key: &&String| {
            !key.starts_with("sentry.e")
                && !key.starts_with("sentry.r")
                && !key.starts_with("sentry.s")
                && *key != "server.address"
        };
        log.attributes
            .iter()
            .filter(|(key, _)| is_own(key))
            .map(|(key, value)| (key.clone(), value.0.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    assert_eq!(own(&logs[0]), json!({}));
    assert_eq!(
        own(&logs[1]),
        json!({"sentry.message.template": "Value is {}", "sentry.message.parameter.0": 42})
    );
    assert_eq!(own(&logs[2]), json!({"user.id": 42}));
    assert_eq!(
        own(&logs[3]),
        json!({
            "a": 1, "b.c.d": "x", "f": 1.5, "sentry.message.template": "Hello {} and {:?}",
            "sentry.message.parameter.0": "world", "sentry.message.parameter.1": "you"
        })
    );
    assert_eq!(logs[5].attributes["sentry.message.parameter.4"], LogAttribute::from(5));
}

#[test]
fn a_template_is_never_without_its_arguments() {
    let none: Option<String> = None;
    let (least, most) = (f64::NEG_INFINITY, f32::INFINITY);
    let logs = written(options(), || {
        crate::logger_info!("{:?} {} {} {} {}", none, f64::NAN, least, most, 1);
    });
    assert_eq!(logs[0].body, "None NaN -inf inf 1");
    let parameter = |index: usize| &logs[0].attributes[&format!("sentry.message.parameter.{index}")].0;
    let parameters: Vec<_> = (0..5).map(parameter).collect();
    assert_eq!(json!(parameters), json!(["null", "NaN", "-inf", "inf", 1]));
}

#[test]
fn a_callback_may_take_all_attributes_away() {
    let options = options().before_send_log(|log| Some(Log { attributes: Default::default(), ..log }));
    let logs = written(options, || crate::logger_info!("x"));
    assert!(logs[0].attributes.is_empty());
}

#[test]
fn an_argument_is_evaluated_once_and_only_if_somebody_wants_it() {
    let calls = AtomicUsize::new(0);
    let call = || calls.fetch_add(1, Ordering::Relaxed);
    let logs = written(options(), || crate::logger_info!("{}", call()));
    assert_eq!((logs.len(), calls.load(Ordering::Relaxed)), (1, 1));
}

#[test]
fn a_log_says_who_sends_it() {
    let logs = written(options(), || crate::logger_info!("x"));
    let attributes = &logs[0].attributes;
    for (key, value) in [
        ("sentry.environment", "test"),
        ("sentry.release", "app@1"),
        ("sentry.sdk.name", "sentry.rust"),
        ("sentry.sdk.version", env!("CARGO_PKG_VERSION")),
        ("server.address", "host"),
    ] {
        assert_eq!(attributes[key], LogAttribute::from(value), "{key}");
    }
    assert_eq!(attributes.len(), 5);
}

#[test]
fn scopes_add_the_trace_the_user_and_attributes() {
    let logs = written(options(), || {
        crate::configure_scope(|scope| {
            scope.set_user(Some(User {
                id: Some("7".into()),
                username: Some("jane".into()),
                ..User::default()
            }));
            scope.set_attribute("region", "eu");
            scope.set_attribute("sentry.release", "other");
        });
        crate::logger_info!("outside");
        crate::with_scope(
            |scope| {
                scope.set_attribute("region", "us");
                scope.set_attribute("job", 1);
            },
            || crate::logger_info!(job = 2, "inside"),
        );
        let transaction = crate::start_transaction(TransactionContext::new("t", "op"));
        crate::configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        crate::logger_info!("in a span");
        let trace_id = transaction.get_trace_context().trace_id;
        crate::configure_scope(|scope| scope.set_span(None));
        crate::configure_scope(|scope| scope.set_attribute("trace", trace_id.to_string()));
        crate::logger_info!("told");
    });
    let text = |index: usize, key: &str| logs[index].attributes.get(key).map(|value| value.0.clone());
    assert_eq!(text(0, "user.id"), Some("7".into()));
    assert_eq!(text(0, "user.name"), Some("jane".into()));
    assert_eq!(text(0, "region"), Some("eu".into()));
    assert_eq!(text(0, "sentry.release"), Some("other".into()));
    assert_eq!((text(1, "region"), text(1, "job")), (Some("us".into()), Some(2.into())));
    assert_eq!(logs[0].trace_id, logs[1].trace_id);
    assert_eq!(text(3, "trace"), Some(logs[2].trace_id.unwrap().to_string().into()));
}

#[test]
fn a_callback_sees_everything_and_has_the_last_word() {
    let options = options().before_send_log(|mut log| {
        assert_eq!(log.attributes["sentry.release"], "app@1".into());
        assert!(log.trace_id.is_some());
        if log.body == "drop" {
            return None;
        }
        assert!(log.body != "panic", "as ordered");
        log.attributes.remove("sentry.release");
        log.attributes.insert("seen".into(), true.into());
        Some(log)
    });
    let recorder = options.client_report_recorder.clone();
    let logs = written(options, || {
        crate::logger_info!("keep");
        crate::logger_info!("drop");
        crate::logger_info!("panic");
    });
    let [log] = &logs[..] else { panic!("{logs:?}") };
    assert_eq!(log.attributes["seen"], true.into());
    assert!(!log.attributes.contains_key("sentry.release"));
    let lost: u64 = recorder
        .totals()
        .iter()
        .filter(|item| item.category() == Category::LogItem)
        .map(|item| item.quantity())
        .sum();
    assert_eq!(lost, 2);
}

#[test]
fn logs_of_the_application_are_always_sent() {
    let logs = written(options().enable_logs(false), || {
        crate::logger_info!("x");
        Hub::current().capture_log(log("y"));
    });
    assert_eq!(logs.len(), 2);
}

#[test]
fn a_log_built_by_hand_keeps_what_it_says() {
    let mut own = log("mine");
    own.trace_id = Some("5b8efff798038103d269b633813fc60c".parse().unwrap());
    own.attributes.insert("list".into(), LogAttribute(json!(["a", "b"])));
    own.attributes.insert("big".into(), u64::MAX.into());
    own.attributes.insert("none".into(), LogAttribute(Value::Null));
    let logs = written(options(), || Hub::current().capture_log(own.clone()));
    assert_eq!(logs[0].trace_id, own.trace_id);
    assert_eq!(logs[0].timestamp, SystemTime::UNIX_EPOCH);
    assert_eq!(logs[0].attributes["list"].0, json!(["a", "b"]));
    assert_eq!(logs[0].attributes["big"].0, json!("18446744073709551615"));
    assert!(!logs[0].attributes.contains_key("none"));
}

#[test]
fn a_text_in_the_program_is_what_it_would_be_at_run_time() {
    let inline = 7;
    let logs = written(options(), || {
        crate::logger_trace!("plain");
        crate::logger_debug!("plain");
        crate::logger_info!("plain");
        crate::logger_warn!("plain");
        crate::logger_error!("plain");
        crate::logger_fatal!("plain");
        crate::logger_log!(LogLevel::Warn, "given");
        crate::logger_info!("a \"quote\", {{braces}} and a\nline");
        crate::logger_info!("inline {inline}");
    });
    let of = |log: &Log| (log.level, log.severity_number, log.body.clone());
    let expected = |level: LogLevel, body: &str| (level, Some(level.severity_number()), body.to_owned());
    let levels =
        [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error, LogLevel::Fatal];
    assert_eq!(logs[..6].iter().map(of).collect::<Vec<_>>(), levels.map(|level| expected(level, "plain")));
    assert_eq!(of(&logs[6]), expected(LogLevel::Warn, "given"));
    assert_eq!(of(&logs[7]), expected(LogLevel::Info, "a \"quote\", {braces} and a\nline"));
    assert_eq!(of(&logs[8]), expected(LogLevel::Info, "inline 7"));
}

#[test]
fn values_have_the_types_they_have_in_the_program() {
    let logs = written(options(), || {
        crate::logger_info!(
            boolean = true,
            byte = 1_u8,
            double = 2.0,
            large = u64::MAX,
            negative = -1_i64,
            none = f64::NAN,
            number = 7,
            optional = Some(3),
            owned = "text".to_owned(),
            single = 1.5_f32,
            size = 9_usize,
            "{} {} {}",
            false,
            0.5,
            "z"
        );
    });
    let attribute = |name: &str| logs[0].attributes.get(name).cloned();
    let expected: [(&str, LogAttribute); 13] = [
        ("boolean", true.into()),
        ("byte", 1.into()),
        ("double", 2.0.into()),
        ("large", u64::MAX.to_string().into()),
        ("negative", (-1).into()),
        ("number", 7.into()),
        ("optional", 3.into()),
        ("owned", "text".into()),
        ("single", 1.5.into()),
        ("size", 9.into()),
        ("sentry.message.parameter.0", false.into()),
        ("sentry.message.parameter.1", 0.5.into()),
        ("sentry.message.parameter.2", "z".into()),
    ];
    for (name, value) in expected {
        assert_eq!(attribute(name), Some(value), "{name}");
    }
    assert_eq!((attribute("none"), logs[0].body.as_str()), (None, "false 0.5 z"));
}
