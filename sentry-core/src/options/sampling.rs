//! Rates, and which of the two generations of rate fields counts.

use std::fmt;
use std::sync::Arc;

use crate::options::ClientOptions;
use crate::trace::TransactionContext;

/// Decides with which probability (0.0 to 1.0) a transaction is kept.
pub type TracesSampler = dyn Fn(&TransactionContext) -> f32 + Send + Sync;

/// How events are sampled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventSamplingStrategy {
    /// Every event is kept with this probability, 0.0 to 1.0.
    FixedRate(f32),
}

impl Default for EventSamplingStrategy {
    fn default() -> Self {
        Self::FixedRate(1.0)
    }
}

/// How transactions are sampled.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum TracesSamplingStrategy {
    /// No transactions are recorded; traces of others are passed on as they came.
    #[default]
    Disabled,
    /// Every transaction is kept with this probability, 0.0 to 1.0, unless the trace it continues was decided on.
    FixedRate(f32),
    /// The function decides.
    Function(Arc<TracesSampler>),
}

impl fmt::Debug for TracesSamplingStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("Disabled"),
            Self::FixedRate(rate) => f.debug_tuple("FixedRate").field(rate).finish(),
            Self::Function(_) => f.write_str("Function(..)"),
        }
    }
}

impl ClientOptions {
    /// The rate in force for events, whichever field it was set with.
    #[must_use]
    pub fn event_sample_rate(&self) -> f32 {
        match self.event_sampling_strategy {
            // The default strategy: the plain field decides.
            EventSamplingStrategy::FixedRate(1.0) => self.sample_rate,
            EventSamplingStrategy::FixedRate(rate) => rate,
        }
    }

    /// The strategy in force for transactions, whichever field it was set with.
    #[must_use]
    pub fn effective_traces_sampling(&self) -> TracesSamplingStrategy {
        match (&self.traces_sampling_strategy, &self.traces_sampler) {
            (TracesSamplingStrategy::Disabled, Some(sampler)) => {
                TracesSamplingStrategy::Function(Arc::clone(sampler))
            }
            // The untouched field is 0.0, so that value means "unset": tracing without performance.
            (TracesSamplingStrategy::Disabled, None) if self.traces_sample_rate != 0.0 => {
                TracesSamplingStrategy::FixedRate(self.traces_sample_rate)
            }
            (strategy, _) => strategy.clone(),
        }
    }

    /// Whether no field says anything about the sampling of transactions.
    #[must_use]
    pub(super) fn traces_sampling_is_unset(&self) -> bool {
        matches!(self.effective_traces_sampling(), TracesSamplingStrategy::Disabled)
    }
}

/// A probability: a number from 0.0 to 1.0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct SampleRate(f32);

impl SampleRate {
    /// `None` for NaN and for numbers outside of the range.
    pub(crate) fn new(rate: f32) -> Option<Self> {
        (0.0..=1.0).contains(&rate).then_some(Self(rate))
    }

    pub(crate) fn get(self) -> f32 {
        self.0
    }

    /// Halved so many times. Exact, until it is 0.
    pub(crate) fn halved(self, times: u32) -> Self {
        Self(self.0 * 0.5_f32.powi(i32::try_from(times).unwrap_or(i32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(options: &ClientOptions) -> String {
        match options.effective_traces_sampling() {
            TracesSamplingStrategy::Function(sampler) => {
                format!("Function {}", sampler(&TransactionContext::new("", "")))
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn both_generations_of_fields_say_the_same() {
        let literal = |rate| ClientOptions { sample_rate: rate, ..ClientOptions::default() };
        let strategy = |rate| ClientOptions {
            event_sampling_strategy: EventSamplingStrategy::FixedRate(rate),
            ..ClientOptions::default()
        };
        for rate in [0.0, 0.25, 1.0] {
            for options in [literal(rate), strategy(rate), ClientOptions::new().sample_rate(rate)] {
                assert_eq!(options.event_sample_rate(), rate);
            }
        }
    }

    #[test]
    fn a_strategy_that_is_not_the_default_wins() {
        let table: [(ClientOptions, &str); 9] = [
            (ClientOptions::default(), "Disabled"),
            (ClientOptions { traces_sample_rate: 0.0, ..Default::default() }, "Disabled"),
            (ClientOptions { traces_sample_rate: 0.5, ..Default::default() }, "FixedRate(0.5)"),
            (
                ClientOptions {
                    traces_sample_rate: 0.5,
                    traces_sampler: Some(Arc::new(|_| 0.25)),
                    ..Default::default()
                },
                "Function 0.25",
            ),
            (
                ClientOptions {
                    traces_sampling_strategy: TracesSamplingStrategy::FixedRate(0.75),
                    traces_sample_rate: 0.5,
                    traces_sampler: Some(Arc::new(|_| 0.25)),
                    ..Default::default()
                },
                "FixedRate(0.75)",
            ),
            (ClientOptions::new().traces_sample_rate(0.0), "FixedRate(0.0)"),
            (ClientOptions::new().traces_sampler(|_| 0.1).traces_sample_rate(0.2), "FixedRate(0.2)"),
            (ClientOptions::new().traces_sample_rate(0.2).traces_sampler(|_| 0.5), "Function 0.5"),
            (
                ClientOptions { traces_sample_rate: 0.5, ..Default::default() }.traces_sample_rate(0.0),
                "FixedRate(0.0)",
            ),
        ];
        for (options, expected) in table {
            assert_eq!(traces(&options), expected);
        }
        let options = ClientOptions {
            event_sampling_strategy: EventSamplingStrategy::FixedRate(0.5),
            sample_rate: 0.25,
            ..ClientOptions::default()
        };
        assert_eq!(options.event_sample_rate(), 0.5);
        assert_eq!(options.sample_rate(1.0).event_sample_rate(), 1.0, "the last setter counts");
    }

    #[test]
    fn a_rate_is_a_probability() {
        for rate in [0.0, 0.5, 1.0] {
            assert_eq!(SampleRate::new(rate).map(SampleRate::get), Some(rate));
        }
        for rate in [-0.1, 1.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(SampleRate::new(rate), None, "{rate}");
        }
    }
}
