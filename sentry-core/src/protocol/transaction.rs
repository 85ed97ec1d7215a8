//! Transactions: how long things take.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::{clock, rng};

use super::event::owned;
use super::{
    ClientSdkInfo, Context, Map, Measurement, Request, Span, User, Uuid, Value, contexts, id, lenient,
    timestamp,
};

/// How a transaction got its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionInfo {
    /// One of `custom`, `url`, `route`, `view`, `component` and `task`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'static, str>>,
}

/// A tree of spans.
///
/// `Transaction::default()` has a random id and starts at this moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, tag = "type", rename = "transaction")]
pub struct Transaction<'a> {
    /// Its id.
    #[serde(with = "id")]
    pub event_id: Uuid,
    /// What was done.
    #[serde(rename = "transaction", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it got its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_info: Option<TransactionInfo>,
    /// The version of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Cow<'a, str>>,
    /// The build of that version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dist: Option<Cow<'a, str>>,
    /// Where the application runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Cow<'a, str>>,
    /// Who it was done for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// Searchable labels.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::string_map")]
    pub tags: Map<String, String>,
    /// Arbitrary data.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub extra: Map<String, Value>,
    /// The SDK that sends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<Cow<'a, ClientSdkInfo>>,
    /// The platform.
    pub platform: Cow<'a, str>,
    /// When it ended.
    #[serde(with = "timestamp::seconds::option", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<SystemTime>,
    /// When it started.
    #[serde(with = "timestamp::seconds")]
    pub start_timestamp: SystemTime,
    /// The spans, without the one of the transaction itself.
    #[serde(deserialize_with = "lenient::or_default")]
    pub spans: Vec<Span>,
    /// Typed and custom contexts, by name; `trace` holds the span of the transaction itself.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "contexts::by_name")]
    pub contexts: Map<String, Context>,
    /// Numbers measured during it.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub measurements: Map<String, Measurement>,
    /// The HTTP request that was being served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The name of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<Cow<'a, str>>,
    /// What was changed before it was sent: a tree like the transaction itself, with remarks under empty names.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<Box<Map<String, Value>>>,
}

impl Default for Transaction<'_> {
    fn default() -> Self {
        Self {
            event_id: rng::uuid(),
            name: None,
            transaction_info: None,
            release: None,
            dist: None,
            environment: None,
            user: None,
            tags: Map::new(),
            extra: Map::new(),
            sdk: None,
            platform: Cow::Borrowed("other"),
            timestamp: None,
            start_timestamp: clock::now(),
            spans: Vec::new(),
            contexts: Map::new(),
            measurements: Map::new(),
            request: None,
            server_name: None,
            meta: None,
        }
    }
}

impl<'a> Transaction<'a> {
    /// An empty transaction with a random id that starts at this moment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Detaches it from everything it borrows.
    #[must_use]
    pub fn into_owned(self) -> Transaction<'static> {
        Transaction {
            event_id: self.event_id,
            name: self.name,
            transaction_info: self.transaction_info,
            release: self.release.map(owned),
            dist: self.dist.map(owned),
            environment: self.environment.map(owned),
            user: self.user,
            tags: self.tags,
            extra: self.extra,
            sdk: self.sdk.map(owned),
            platform: owned(self.platform),
            timestamp: self.timestamp,
            start_timestamp: self.start_timestamp,
            spans: self.spans,
            contexts: self.contexts,
            measurements: self.measurements,
            request: self.request,
            server_name: self.server_name.map(owned),
            meta: self.meta,
        }
    }

    /// Ends it at this moment.
    pub fn finish(&mut self) {
        self.finish_with_timestamp(clock::now());
    }

    /// Ends it at `timestamp`.
    pub fn finish_with_timestamp(&mut self, timestamp: SystemTime) {
        self.timestamp = Some(timestamp);
    }
}

impl fmt::Display for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction(id: {}, ts: {})", self.event_id, timestamp::to_rfc3339(self.start_timestamp))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_transaction_survives_the_round_trip() {
        let json = json!({
            "type": "transaction", "event_id": "d43e86c96e424a93a4fbda156dd17341", "transaction": "GET /",
            "transaction_info": {"source": "route"}, "release": "app@1.0.0", "dist": "1", "environment": "production",
            "user": {"id": "1"}, "tags": {"a": "b"}, "extra": {"c": 1}, "sdk": {"name": "sentry.rust", "version": "1"},
            "platform": "native", "start_timestamp": 1_514_103_119.5, "timestamp": 1_514_103_120.25,
            "spans": [{
                "span_id": "b0e6f15b45c36b12", "trace_id": "5b8efff798038103d269b633813fc60c",
                "start_timestamp": 1_514_103_119.5, "timestamp": 1_514_103_120
            }],
            "contexts": {"trace": {
                "type": "trace", "trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "fa90fdead5f74052"
            }},
            "measurements": {"ttfb": {"value": 1.5, "unit": "millisecond"}, "count": {"value": 2.0}},
            "request": {"method": "GET"}, "server_name": "host"
        });
        let transaction: Transaction<'static> = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&transaction).unwrap(), json);
        assert_eq!(transaction.clone().into_owned(), transaction);
    }

    #[test]
    fn a_new_transaction_runs() {
        let mut transaction = Transaction::new();
        let json = serde_json::to_value(&transaction).unwrap();
        assert!(json.get("timestamp").is_none());
        assert_eq!(json["spans"], json!([]));
        transaction.finish();
        assert!(transaction.timestamp >= Some(transaction.start_timestamp));
        assert_ne!(transaction.event_id, Transaction::new().event_id);
        assert!(transaction.to_string().starts_with("Transaction(id: "));
    }

    #[test]
    fn a_measurement_that_is_not_finite_is_null() {
        let mut transaction = Transaction::new();
        transaction.measurements.insert("m".into(), Measurement { value: f64::NAN, unit: None });
        let json = serde_json::to_value(&transaction).unwrap();
        assert_eq!(json["measurements"], json!({"m": {"value": null}}));
        assert!(
            serde_json::from_value::<Transaction<'static>>(json).unwrap().measurements["m"].value.is_nan()
        );
    }
}
