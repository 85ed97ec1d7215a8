//! The facts about a trace that every service on its way shares, so that all of them sample alike.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Map, OrganizationId, SampleRand, TraceId, lenient};

/// The dynamic sampling context: the `trace` header of an envelope, and the `sentry-` members of a `baggage` header.
///
/// It is a map of names to text, because a context that came from another service must be passed on as it came, names
/// that we do not know included.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct DynamicSamplingContext {
    entries: Map<Cow<'static, str>, String>,
}

/// Shows everything but the key of the DSN.
impl fmt::Debug for DynamicSamplingContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |key: &str, value: &str| {
            if key == "public_key" { "<redacted>".to_owned() } else { value.to_owned() }
        };
        f.debug_map().entries(self.entries.iter().map(|(key, value)| (key, shown(key, value)))).finish()
    }
}

impl DynamicSamplingContext {
    /// An empty context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the trace.
    #[must_use]
    pub fn with_trace_id(self, trace_id: TraceId) -> Self {
        self.with("trace_id", trace_id.to_string())
    }

    /// Sets the public key of the DSN.
    #[must_use]
    pub fn with_public_key(self, public_key: String) -> Self {
        self.with("public_key", public_key)
    }

    /// Sets the rate that the head of the trace was sampled with. A rate that is not finite is ignored.
    #[must_use]
    pub fn with_sample_rate(self, sample_rate: f32) -> Self {
        if sample_rate.is_finite() { self.with("sample_rate", sample_rate.to_string()) } else { self }
    }

    /// Sets the random number that sampling decisions compare with.
    #[must_use]
    pub fn with_sample_rand(self, sample_rand: SampleRand) -> Self {
        self.with("sample_rand", sample_rand.to_string())
    }

    /// Sets the decision of the head of the trace.
    #[must_use]
    pub fn with_sampled(self, sampled: bool) -> Self {
        self.with("sampled", sampled.to_string())
    }

    /// Sets the release of the head of the trace.
    #[must_use]
    pub fn with_release(self, release: String) -> Self {
        self.with("release", release)
    }

    /// Sets the environment of the head of the trace.
    #[must_use]
    pub fn with_environment(self, environment: String) -> Self {
        self.with("environment", environment)
    }

    /// Sets the name of the transaction at the head of the trace.
    #[must_use]
    pub fn with_transaction(self, transaction: String) -> Self {
        self.with("transaction", transaction)
    }

    /// Sets the organization.
    #[must_use]
    pub fn with_org_id(self, org_id: OrganizationId) -> Self {
        self.with("org_id", org_id.to_string())
    }

    /// Sets any entry, by its name without the prefix `sentry-`.
    #[must_use]
    pub fn with<N: Into<Cow<'static, str>>>(mut self, name: N, value: String) -> Self {
        self.entries.insert(name.into(), value);
        self
    }

    /// The entry with this name, as it came.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entries.get(name).map(String::as_str)
    }

    /// All entries, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.get("trace_id")?.parse().ok()
    }

    /// The rate that the head of the trace was sampled with, if it is one.
    #[must_use]
    pub fn sample_rate(&self) -> Option<f64> {
        self.get("sample_rate")?.parse().ok().filter(|rate| (0.0..=1.0).contains(rate))
    }

    /// The random number that sampling decisions compare with.
    #[must_use]
    pub fn sample_rand(&self) -> Option<SampleRand> {
        self.get("sample_rand")?.parse().ok()
    }

    /// The decision of the head of the trace.
    #[must_use]
    pub fn sampled(&self) -> Option<bool> {
        self.get("sampled")?.parse().ok()
    }

    /// The organization.
    #[must_use]
    pub fn org_id(&self) -> Option<OrganizationId> {
        self.get("org_id")?.parse().ok()
    }
}

impl FromIterator<(String, String)> for DynamicSamplingContext {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().map(|(name, value)| (name.into(), value)).collect() }
    }
}

impl<'de> Deserialize<'de> for DynamicSamplingContext {
    /// Numbers and truth values are accepted where the protocol wants text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::string_map(deserializer).map(|entries| entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_fields_are_text() {
        let context = DynamicSamplingContext::new()
            .with_trace_id(TraceId::from([0x5b; 16]))
            .with_public_key("key".into())
            .with_sample_rate(0.1)
            .with_sample_rand(SampleRand::try_from(0.25).unwrap())
            .with_sampled(true)
            .with_release("app@1.0.0".into())
            .with_environment("production".into())
            .with_transaction("GET /".into())
            .with_org_id(OrganizationId::from(12));
        let json = json!({
            "trace_id": "5b".repeat(16), "public_key": "key", "sample_rate": "0.1", "sample_rand": "0.250000",
            "sampled": "true", "release": "app@1.0.0", "environment": "production", "transaction": "GET /",
            "org_id": "12"
        });
        assert_eq!(serde_json::to_value(&context).unwrap(), json);
        assert_eq!(serde_json::from_value::<DynamicSamplingContext>(json).unwrap(), context);
        assert_eq!((context.sampled(), context.sample_rate()), (Some(true), Some(0.1)));
        assert_eq!(context.trace_id(), Some(TraceId::from([0x5b; 16])));
        assert_eq!(context.org_id(), Some(OrganizationId::from(12)));
    }

    #[test]
    fn entries_of_others_are_passed_on_as_they_came() {
        let json = json!({"sample_rate": "0.10", "replay_id": "abc", "future": "x"});
        let context: DynamicSamplingContext = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(context.sample_rate(), Some(0.1));
        assert_eq!(serde_json::to_value(&context).unwrap(), json);
    }

    #[test]
    fn other_types_are_read_as_text() {
        let context: DynamicSamplingContext =
            serde_json::from_value(json!({"sampled": false, "sample_rate": 1, "release": null})).unwrap();
        assert_eq!(serde_json::to_value(&context).unwrap(), json!({"sampled": "false", "sample_rate": "1"}));
    }

    #[test]
    fn nonsense_is_no_value() {
        let context = DynamicSamplingContext::new().with_sample_rate(f32::NAN);
        assert!(context.is_empty());
        let context = context.with("sample_rate", "2".into()).with("sampled", "perhaps".into());
        assert_eq!((context.sample_rate(), context.sampled(), context.sample_rand()), (None, None, None));
    }
}
