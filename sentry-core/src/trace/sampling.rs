//! Whether a transaction is recorded. Precedence of protocol.md 9.5, back-pressure of section 19.

use crate::client_report::protocol::Reason;
use crate::options::{ClientOptions, SampleRate, TracesSamplingStrategy};
use crate::protocol::TraceId;
use crate::suppress;
use crate::trace::TransactionContext;
use crate::trace::sample_rand::Rand;

/// What was decided for a trace: the flag (`None`: left to others) and the rate it was decided with, if known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Decision {
    pub(super) sampled: Option<bool>,
    pub(super) rate: Option<SampleRate>,
}

impl Decision {
    fn at(rate: SampleRate, rand: Rand) -> Self {
        Self { sampled: Some(rand.is_kept_at(rate)), rate: Some(rate) }
    }

    /// Recorded or not by the word of somebody, whatever the rates are.
    fn fixed(sampled: bool) -> Self {
        Self { sampled: Some(sampled), rate: SampleRate::new(f32::from(u8::from(sampled))) }
    }
}

/// The decision on a transaction, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) decision: Decision,
    pub(super) recorded: bool,
    /// An unrecorded transaction is a loss to report: tracing is on and it was sampled out.
    pub(super) reported: bool,
    /// What it is reported with: whether back-pressure made the difference.
    pub(super) reason: Reason,
    /// The rate replaces the one that came with the trace.
    pub(super) by_sampler: bool,
}

/// What a decision depends on.
pub(super) struct Facts<'a> {
    /// The application said so when it started the transaction.
    pub(super) explicit: Option<bool>,
    /// What was decided where the trace comes from.
    pub(super) parent: Decision,
    pub(super) rand: Rand,
    /// How often back-pressure halves the rate, where it is this client that decides.
    pub(super) halvings: u32,
    pub(super) strategy: Strategy<'a>,
}

/// How this client samples.
pub(super) enum Strategy<'a> {
    Disabled,
    Rate(f32),
    Sampler {
        /// `None` when the user's function panicked.
        call: &'a dyn Fn() -> Option<f32>,
        /// The rate that would be in force without the sampler.
        otherwise: Option<f32>,
    },
}

/// Decides on `context` with the options of a client.
pub(super) fn decide_for(options: &ClientOptions, context: &TransactionContext) -> Verdict {
    let rand = context.rand();
    let (explicit, parent) = (context.explicit, context.parent);
    let halvings = halvings(options);
    let decide = |strategy| decide(&Facts { explicit, parent, rand, halvings, strategy });
    match options.effective_traces_sampling() {
        TracesSamplingStrategy::Disabled => decide(Strategy::Disabled),
        TracesSamplingStrategy::FixedRate(rate) => decide(Strategy::Rate(rate)),
        TracesSamplingStrategy::Function(sampler) => {
            let call = || suppress::guarded("traces_sampler", || sampler(context)).ok();
            let rate = options.traces_sample_rate;
            decide(Strategy::Sampler { call: &call, otherwise: (rate != 0.0).then_some(rate) })
        }
    }
}

/// Decides on a new trace, where that takes no more than a number. `None`: there is a sampler to ask.
pub(super) fn decide_head(options: &ClientOptions, trace_id: TraceId) -> Option<Verdict> {
    let (rand, parent) = (Rand::of_trace(trace_id), Decision::default());
    let facts = |strategy| Facts { explicit: None, parent, rand, halvings: halvings(options), strategy };
    match options.effective_traces_sampling() {
        TracesSamplingStrategy::Disabled => Some(decide(&facts(Strategy::Disabled))),
        TracesSamplingStrategy::FixedRate(rate) => Some(facts(Strategy::Rate(rate)).at(rate)),
        TracesSamplingStrategy::Function(_) => None,
    }
}

fn halvings(options: &ClientOptions) -> u32 {
    match options.enable_backpressure_handling {
        true => options.client_report_recorder.downsample_factor(),
        false => 0,
    }
}

/// First the explicit word, then the sampler, then the parent, then the rate.
pub(super) fn decide(facts: &Facts<'_>) -> Verdict {
    if let Strategy::Disabled = facts.strategy {
        // Tracing without performance: pass on what came.
        let sampled = facts.explicit.or(facts.parent.sampled);
        let decision = Decision { sampled, rate: facts.parent.rate };
        return Verdict { recorded: false, reported: false, ..Verdict::enforce(decision) };
    }
    if let Some(sampled) = facts.explicit {
        return Verdict::enforce(Decision::fixed(sampled));
    }
    let rate = match facts.strategy {
        Strategy::Disabled => None,
        Strategy::Rate(rate) => Some(rate),
        Strategy::Sampler { call, otherwise } => match call() {
            Some(rate) => return Verdict { by_sampler: true, ..facts.at(rate) },
            None => otherwise,
        },
    };
    if facts.parent.sampled.is_some() {
        return Verdict::enforce(facts.parent);
    }
    facts.at(rate.unwrap_or(0.0))
}

impl Facts<'_> {
    /// The decision of a head: nobody has decided on the trace before.
    fn at(&self, rate: f32) -> Verdict {
        let Some(rate) = valid(rate) else { return Verdict::enforce(Decision::fixed(false)) };
        let decision = Decision::at(rate.halved(self.halvings), self.rand);
        let reason = match decision.sampled {
            Some(false) if self.rand.is_kept_at(rate) => Reason::Backpressure,
            _ => Reason::SampleRate,
        };
        Verdict { reason, ..Verdict::enforce(decision) }
    }
}

impl Verdict {
    /// The word of the application on what it does not want to see, wherever the trace comes from.
    pub(super) fn ignored(self) -> Self {
        let decision = Decision { sampled: Some(false), ..self.decision };
        Self { decision, recorded: false, reported: true, reason: Reason::Ignored, by_sampler: false }
    }

    pub(super) fn is_ignored(&self) -> bool {
        self.reason == Reason::Ignored
    }

    fn enforce(decision: Decision) -> Self {
        let recorded = decision.sampled == Some(true);
        Self { decision, recorded, reported: !recorded, reason: Reason::SampleRate, by_sampler: false }
    }
}

fn valid(rate: f32) -> Option<SampleRate> {
    let valid = SampleRate::new(rate);
    if valid.is_none() {
        crate::diagnostics::warn_once("traces sample rate", || {
            format!("a traces sample rate is {rate:?} and counts as 0, give a number from 0.0 to 1.0")
        });
    }
    valid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rand(text: &str) -> Rand {
        Rand::parse(text).unwrap()
    }

    fn parent(sampled: Option<bool>) -> Decision {
        Decision { sampled, rate: None }
    }

    fn verdict(explicit: Option<bool>, parent: Decision, strategy: Strategy<'_>) -> Verdict {
        decide(&Facts { explicit, parent, rand: rand("0.5"), halvings: 0, strategy })
    }

    #[test]
    fn the_matrix_of_incoming_flag_and_rate() {
        // (incoming flag, rate, sent, outgoing flag)
        let table = [
            (None, None, false, None),
            (None, Some(0.0), false, Some(false)),
            (None, Some(1.0), true, Some(true)),
            (Some(true), None, false, Some(true)),
            (Some(true), Some(0.0), true, Some(true)),
            (Some(true), Some(1.0), true, Some(true)),
            (Some(false), None, false, Some(false)),
            (Some(false), Some(0.0), false, Some(false)),
            (Some(false), Some(1.0), false, Some(false)),
        ];
        for (incoming, rate, sent, outgoing) in table {
            let strategy = rate.map_or(Strategy::Disabled, Strategy::Rate);
            let verdict = verdict(None, parent(incoming), strategy);
            assert_eq!(
                (verdict.recorded, verdict.decision.sampled),
                (sent, outgoing),
                "{incoming:?} {rate:?}"
            );
            assert_eq!(verdict.reported, rate.is_some() && !sent, "only what a rate dropped is reported");
        }
    }

    #[test]
    fn the_explicit_word_comes_before_the_sampler_and_the_sampler_before_the_parent() {
        let (always, never) = (|| Some(1.0), || Some(0.0));
        type Sampler<'a> = &'a dyn Fn() -> Option<f32>;
        let table: [(Option<bool>, Option<bool>, Sampler<'_>, bool); 6] = [
            (Some(false), Some(true), &always, false),
            (Some(true), Some(false), &never, true),
            (None, Some(false), &always, true),
            (None, Some(true), &never, false),
            (None, None, &always, true),
            (None, None, &never, false),
        ];
        for (explicit, incoming, call, sent) in table {
            let strategy = Strategy::Sampler { call, otherwise: Some(0.5) };
            let verdict = verdict(explicit, parent(incoming), strategy);
            assert_eq!(verdict.recorded, sent, "{explicit:?} {incoming:?}");
            assert_eq!(verdict.by_sampler, explicit.is_none());
        }
    }

    #[test]
    fn a_sampler_that_panicked_counts_as_unset() {
        let panicked = || None;
        let strategy = |otherwise| Strategy::Sampler { call: &panicked, otherwise };
        assert!(verdict(None, parent(Some(true)), strategy(None)).recorded);
        assert!(!verdict(None, parent(Some(false)), strategy(Some(1.0))).recorded);
        assert!(verdict(None, parent(None), strategy(Some(1.0))).recorded);
        let dropped = verdict(None, parent(None), strategy(None));
        assert!(!dropped.recorded && dropped.reported && !dropped.by_sampler);
    }

    #[test]
    fn rates_out_of_range_drop() {
        for rate in [f32::NAN, -0.1, 1.1, f32::INFINITY] {
            let call = || Some(rate);
            for strategy in [Strategy::Rate(rate), Strategy::Sampler { call: &call, otherwise: None }] {
                assert_eq!(verdict(None, parent(None), strategy).decision.sampled, Some(false), "{rate}");
            }
        }
    }

    #[test]
    fn the_decision_follows_the_number_of_the_trace() {
        for (number, rate, sent) in [("0.499999", 0.5, true), ("0.5", 0.5, false), ("0", 0.000_001, true)] {
            let strategy = Strategy::Rate(rate);
            let facts =
                Facts { explicit: None, parent: parent(None), rand: rand(number), halvings: 0, strategy };
            assert_eq!(decide(&facts).recorded, sent, "{number} {rate}");
        }
    }

    #[test]
    fn back_pressure_halves_the_rate_of_heads() {
        // (number, rate, halvings, recorded, rate told, reason if not recorded)
        let table = [
            ("0.4", 1.0, 0, true, 1.0, Reason::SampleRate),
            ("0.4", 1.0, 1, true, 0.5, Reason::SampleRate),
            ("0.4", 1.0, 2, false, 0.25, Reason::Backpressure),
            ("0.2", 0.5, 1, true, 0.25, Reason::SampleRate),
            ("0.3", 0.5, 1, false, 0.25, Reason::Backpressure),
            ("0.6", 0.5, 1, false, 0.25, Reason::SampleRate),
            ("0", 0.0, 3, false, 0.0, Reason::SampleRate),
            ("0.0009", 1.0, 10, true, 1.0 / 1_024.0, Reason::SampleRate),
            ("0.001", 1.0, 10, false, 1.0 / 1_024.0, Reason::Backpressure),
            ("0", 1.0, u32::MAX, false, 0.0, Reason::Backpressure),
        ];
        for (number, rate, halvings, recorded, told, reason) in table {
            let call = || Some(rate);
            for strategy in [Strategy::Rate(rate), Strategy::Sampler { call: &call, otherwise: None }] {
                let facts =
                    Facts { explicit: None, parent: parent(None), rand: rand(number), halvings, strategy };
                let verdict = decide(&facts);
                assert_eq!(
                    (verdict.recorded, verdict.reason),
                    (recorded, reason),
                    "{number} {rate} {halvings}"
                );
                assert_eq!(verdict.decision.rate, SampleRate::new(told), "{number} {rate} {halvings}");
                assert_eq!(verdict.reported, !recorded);
            }
        }
    }

    #[test]
    fn back_pressure_leaves_alone_what_others_decided() {
        let rate = SampleRate::new(1.0);
        for (explicit, parent) in [
            (None, Decision { sampled: Some(true), rate }),
            (Some(true), Decision::default()),
            (Some(true), Decision { sampled: Some(false), rate: None }),
        ] {
            let strategy = Strategy::Rate(1.0);
            let facts = Facts { explicit, parent, rand: rand("0.9"), halvings: 10, strategy };
            let verdict = decide(&facts);
            assert!(verdict.recorded, "{explicit:?} {parent:?}");
            assert_eq!(verdict.decision.rate, rate);
        }
        let strategy = Strategy::Rate(1.0);
        let dropped =
            Facts { explicit: None, parent: parent(Some(false)), rand: rand("0"), halvings: 1, strategy };
        assert_eq!(decide(&dropped).reason, Reason::SampleRate);
    }
}
