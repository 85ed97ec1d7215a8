//! The dynamic sampling context: what every service of a trace tells the server about where the trace began.
//!
//! One that came in is frozen: it is passed on as it came, with fields nobody here knows, and an empty one stays empty.

use std::borrow::Cow;
use std::sync::Arc;

use crate::options::ClientOptions;
use crate::protocol::{DynamicSamplingContext, OrganizationId, TraceId};
use crate::trace::propagation::baggage;
use crate::trace::sample_rand::Rand;
use crate::trace::sampling::Decision;

/// What the service at the head of a trace knows about it.
pub(super) struct Head<'a> {
    pub(super) trace_id: TraceId,
    pub(super) decision: Decision,
    /// The name of its transaction. Left out while nothing is decided (protocol.md 9.2).
    pub(super) transaction: Option<&'a str>,
    /// The replay of the user's session.
    pub(super) replay: Option<&'a str>,
}

/// The context of a trace that began here.
pub(super) fn of_head(head: &Head<'_>, options: &ClientOptions) -> DynamicSamplingContext {
    let text = |value: &Option<Cow<'static, str>>| value.as_deref().map(str::to_owned);
    let Decision { sampled, rate } = head.decision;
    let fields = [
        ("trace_id", Some(head.trace_id.to_string())),
        ("public_key", options.dsn.as_ref().map(|dsn| dsn.public_key().to_owned())),
        ("sample_rate", rate.map(|rate| rate.get().to_string())),
        ("sample_rand", Some(Rand::of_trace(head.trace_id).to_string())),
        ("sampled", sampled.map(|sampled| sampled.to_string())),
        ("release", text(&options.release)),
        ("environment", text(&options.environment)),
        ("transaction", head.transaction.filter(|name| !name.is_empty()).map(str::to_owned)),
        ("org_id", org_id(options).map(|id| id.to_string())),
        ("replay_id", head.replay.map(str::to_owned)),
    ];
    let known = fields.into_iter().filter_map(|(key, value)| Some((key, value?)));
    known.fold(DynamicSamplingContext::new(), |dsc, (key, value)| dsc.with(key, value))
}

/// The context in `baggage` headers. Of two members with one key the later counts.
pub(super) fn from_baggage<'a>(headers: impl IntoIterator<Item = &'a str>) -> DynamicSamplingContext {
    let members = headers.into_iter().flat_map(baggage::sentry_members);
    members.take(baggage::MAX_MEMBERS).collect()
}

/// `dsc` with the decision of this service's sampler in the place of the one that came in.
pub(super) fn decided(dsc: &DynamicSamplingContext, decision: Decision) -> DynamicSamplingContext {
    let mut dsc = dsc.clone();
    // An empty context belongs to somebody who sends none: nothing is invented for them.
    if !dsc.is_empty() {
        if let Some(rate) = decision.rate {
            dsc = dsc.with_sample_rate(rate.get());
        }
        if let Some(sampled) = decision.sampled {
            dsc = dsc.with_sampled(sampled);
        }
    }
    dsc
}

/// `dsc` for an envelope that must have one: whose it is, if whoever sent it did not say.
pub(super) fn addressed(
    dsc: &Arc<DynamicSamplingContext>,
    options: &ClientOptions,
) -> Arc<DynamicSamplingContext> {
    match &options.dsn {
        Some(dsn) if dsc.get("public_key").is_none() => {
            Arc::new((**dsc).clone().with_public_key(dsn.public_key().to_owned()))
        }
        _ => Arc::clone(dsc),
    }
}

/// The value of an outgoing `baggage` header, if there is anything to say.
pub(super) fn header(dsc: &DynamicSamplingContext) -> Option<String> {
    baggage::header(dsc.iter())
}

/// The organization of a client: told by the options, else by the host of the DSN.
pub(super) fn org_id(options: &ClientOptions) -> Option<OrganizationId> {
    options.org_id.or_else(|| options.dsn.as_ref()?.org_id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::SampleRate;

    #[test]
    fn the_head_tells_everything_it_knows() {
        let options =
            ClientOptions::new().dsn("https://public@o7.host.example/1").release("a@1").environment("e");
        let head = Head {
            trace_id: TraceId::from([1; 16]),
            decision: Decision { sampled: Some(true), rate: SampleRate::new(0.25) },
            transaction: Some("GET /"),
            replay: Some("12312012123120121231201212312012"),
        };
        let dsc = of_head(&head, &options);
        let names: Vec<_> = dsc.iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "environment",
                "org_id",
                "public_key",
                "release",
                "replay_id",
                "sample_rand",
                "sample_rate",
                "sampled",
                "trace_id",
                "transaction"
            ]
        );
        assert_eq!((dsc.get("sample_rate"), dsc.get("sampled")), (Some("0.25"), Some("true")));
        let back = from_baggage([&*header(&dsc).unwrap()]);
        assert_eq!(back, dsc);
    }

    #[test]
    fn a_sampler_replaces_rate_and_decision_but_invents_nothing() {
        let decision = Decision { sampled: Some(false), rate: SampleRate::new(0.5) };
        let dsc = decided(&from_baggage(["sentry-sampled=true,sentry-release=r"]), decision);
        assert_eq!(header(&dsc).unwrap(), "sentry-release=r,sentry-sample_rate=0.5,sentry-sampled=false");
        assert!(decided(&DynamicSamplingContext::new(), decision).is_empty());
    }
}
