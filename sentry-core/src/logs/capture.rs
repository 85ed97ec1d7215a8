//! From a log to a record for a batch.

use std::borrow::Cow;
use std::collections::btree_map::Entry;

use super::wire;
use crate::attributes::{Attribute, FromScope};
use crate::client::{self, Client};
use crate::client_report::protocol::{Category, Reason};
use crate::hub::Hub;
use crate::protocol::{Log, LogAttribute, LogLevel};
use crate::scope::{Scope, ScopeSnapshot};
use crate::suppress::{guarded, is_suppressed};
use crate::telemetry::Telemetry;
use crate::{clock, nesting};

/// A log as a macro sees it.
#[derive(Debug)]
pub struct Parts {
    /// Its level.
    pub level: LogLevel,
    /// Its text.
    pub body: String,
    /// The text before its arguments were put in, if it has any.
    pub template: Option<&'static str>,
    /// The attributes that stand before the text.
    pub attributes: Vec<(&'static str, LogAttribute)>,
    /// The arguments of the text.
    pub parameters: Vec<LogAttribute>,
}

/// Whether a log would lead anywhere.
#[inline]
#[must_use]
pub fn is_wanted() -> bool {
    client::any_live()
}

/// Captures what a macro has put together, on the current hub.
pub fn log(parts: Parts) {
    Hub::current().write_parts(parts);
}

const TEMPLATE: &str = "sentry.message.template";

/// Names of arguments. There may be more.
const PARAMETERS: [&str; 8] = [
    "sentry.message.parameter.0",
    "sentry.message.parameter.1",
    "sentry.message.parameter.2",
    "sentry.message.parameter.3",
    "sentry.message.parameter.4",
    "sentry.message.parameter.5",
    "sentry.message.parameter.6",
    "sentry.message.parameter.7",
];

fn parameter(index: usize) -> Cow<'static, str> {
    match PARAMETERS.get(index) {
        Some(name) => (*name).into(),
        None => format!("sentry.message.parameter.{index}").into(),
    }
}

impl Parts {
    /// What `before_send_log` sees.
    fn into_log(self) -> Log {
        let template = self.template.filter(|_| !self.parameters.is_empty());
        let own = self.attributes.into_iter().map(|(key, value)| (key.to_owned(), value));
        let template = template.map(|template| (TEMPLATE.to_owned(), template.into()));
        let named = |(index, value)| (parameter(index).into_owned(), value);
        let parameters = self.parameters.into_iter().enumerate().map(named);
        Log {
            level: self.level,
            body: self.body,
            trace_id: None,
            timestamp: clock::now(),
            severity_number: Some(self.level.severity_number()),
            attributes: own.chain(template).chain(parameters).collect(),
        }
    }
}

impl Hub {
    /// Captures a log with the scope of this hub: its trace, its user, its attributes.
    pub fn capture_log(&self, log: Log) {
        if let Some((client, scope)) = self.for_telemetry(Category::LogItem) {
            client.write_log(log, &scope);
        }
    }

    fn write_parts(&self, parts: Parts) {
        let Some((client, scope)) = self.for_telemetry(Category::LogItem) else { return };
        if client.options().before_send_log.is_some() {
            client.write_log(parts.into_log(), &scope);
        } else {
            client.write_parts(parts, &scope);
        }
    }
}

impl Client {
    /// Captures a log with the given scope.
    pub fn capture_log(&self, log: Log, scope: &Scope) {
        if self.is_enabled() && !is_suppressed() {
            self.write_log(log, &scope.snapshot());
        }
    }

    fn write_log(&self, mut log: Log, scope: &ScopeSnapshot) {
        nesting::limit_body(&mut log.body);
        log.attributes.values_mut().for_each(|value| nesting::limit(&mut value.0));
        let span_id = scope.span_id();
        let Some(before_send) = &self.options().before_send_log else {
            let own = log.attributes.iter().map(|(key, value)| (key.as_str(), value));
            let json = wire::encode(&log, span_id, scope, own, &FromScope::new(scope), self.log_defaults());
            return self.send_telemetry(Telemetry::log(json));
        };
        // It sees everything that would be sent.
        log.trace_id = log.trace_id.or_else(|| scope.trace_id());
        log.severity_number = log.severity_number.or_else(|| Some(log.level.severity_number()));
        let from_scope = FromScope::new(scope);
        for (key, value) in from_scope.entries().chain(self.log_defaults().entries()) {
            if let Entry::Vacant(entry) = log.attributes.entry(key.to_owned()) {
                entry.insert(value.clone());
            }
        }
        let bytes = log.body.len() as u64;
        match guarded("before_send_log", || before_send(log)) {
            Ok(Some(mut log)) => {
                nesting::limit_body(&mut log.body);
                log.attributes.values_mut().for_each(|value| nesting::limit(&mut value.0));
                let own = log.attributes.iter().map(|(key, value)| (key.as_str(), value));
                let nothing = (FromScope::default(), crate::attributes::Defaults::default());
                let json = wire::encode(&log, span_id, scope, own, &nothing.0, &nothing.1);
                self.send_telemetry(Telemetry::log(json));
            }
            dropped => {
                let reason = if dropped.is_ok() { Reason::BeforeSend } else { Reason::CallbackError };
                self.lose(reason, &[(Category::LogItem, 1), (Category::LogByte, bytes)]);
            }
        }
    }

    /// The short way, when no callback looks at the log.
    fn write_parts(&self, mut parts: Parts, scope: &ScopeSnapshot) {
        nesting::limit_body(&mut parts.body);
        let values = parts.attributes.iter_mut().map(|(_, value)| value).chain(&mut parts.parameters);
        values.for_each(|value| nesting::limit(&mut value.0));
        let head = wire::Head {
            timestamp: clock::now(),
            trace_id: scope.trace_id().unwrap_or_default(),
            span_id: scope.span_id(),
            level: parts.level,
            severity_number: parts.level.severity_number(),
            body: &parts.body,
        };
        let late: Vec<_> = (PARAMETERS.len()..parts.parameters.len()).map(parameter).collect();
        let names = PARAMETERS.into_iter().chain(late.iter().map(|name| &**name));
        let parameters = names.zip(&parts.parameters).map(|(name, value)| (name, Attribute::Value(value)));
        let template = parts.template.filter(|_| !parts.parameters.is_empty());
        let template = template.map(|template| (TEMPLATE, Attribute::Text(template)));
        let own = parts.attributes.iter().map(|(key, value)| (*key, Attribute::Value(value)));
        let own = own.chain(template).chain(parameters);
        let json = wire::write(&head, own, &FromScope::new(scope), self.log_defaults());
        self.send_telemetry_at(Telemetry::log(json), head.timestamp);
    }
}
