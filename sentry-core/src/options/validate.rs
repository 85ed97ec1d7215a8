//! Checking what setters only store.

use std::error::Error;
use std::fmt;

use crate::options::{ClientOptions, EventSamplingStrategy, SampleRate, TracesSamplingStrategy};
use crate::types::ParseDsnError;

impl ClientOptions {
    /// Checks what a type cannot: that rates are within 0.0 and 1.0.
    ///
    /// ```
    /// use sentry_core::ClientOptions;
    ///
    /// let error = ClientOptions::new().sample_rate(1.5).validate().unwrap_err();
    /// assert_eq!(error.to_string(), "sample_rate is 1.5, give a number from 0.0 to 1.0");
    /// ```
    ///
    /// # Errors
    /// Names the first value that is out of range.
    pub fn validate(&self) -> Result<(), OptionsError> {
        check("sample_rate", self.event_sample_rate())?;
        if let TracesSamplingStrategy::FixedRate(rate) = self.effective_traces_sampling() {
            check("traces_sample_rate", rate)?;
        }
        Ok(())
    }

    /// Replaces values that are out of range by the nearest in range, and returns what it had to say about the first.
    ///
    /// What is no number at all becomes the default: every event, no transaction.
    pub fn clamp(&mut self) -> Option<OptionsError> {
        let problem = self.validate().err();
        let event_rate = self.event_sample_rate();
        if SampleRate::new(event_rate).is_none() {
            self.sample_rate = nearest(event_rate, 1.0);
            self.event_sampling_strategy = EventSamplingStrategy::FixedRate(self.sample_rate);
        }
        if let TracesSamplingStrategy::FixedRate(rate) = self.effective_traces_sampling()
            && SampleRate::new(rate).is_none()
        {
            self.traces_sample_rate = nearest(rate, 0.0);
            self.traces_sampling_strategy = TracesSamplingStrategy::FixedRate(self.traces_sample_rate);
        }
        problem
    }
}

/// Why options cannot be used as they are.
#[derive(Debug)]
pub struct OptionsError(Kind);

#[derive(Debug)]
enum Kind {
    Dsn(ParseDsnError),
    Rate { option: &'static str, value: f32 },
}

impl OptionsError {
    /// Whether the DSN is invalid.
    #[must_use]
    pub fn is_dsn(&self) -> bool {
        matches!(self.0, Kind::Dsn(_))
    }

    /// Whether a rate is out of range.
    #[must_use]
    pub fn is_rate(&self) -> bool {
        matches!(self.0, Kind::Rate { .. })
    }
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Dsn(_) => f.write_str("the dsn is invalid, copy it from the settings of the project"),
            Kind::Rate { option, value } => write!(f, "{option} is {value:?}, give a number from 0.0 to 1.0"),
        }
    }
}

impl Error for OptionsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Dsn(error) => Some(error),
            Kind::Rate { .. } => None,
        }
    }
}

impl From<ParseDsnError> for OptionsError {
    fn from(error: ParseDsnError) -> Self {
        Self(Kind::Dsn(error))
    }
}

fn check(option: &'static str, value: f32) -> Result<(), OptionsError> {
    match SampleRate::new(value) {
        Some(_) => Ok(()),
        None => Err(OptionsError(Kind::Rate { option, value })),
    }
}

fn nearest(rate: f32, if_no_number: f32) -> f32 {
    if rate.is_nan() { if_no_number } else { rate.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_out_of_range_are_named_and_clamped() {
        let table = [(1.5, 1.0, 1.0), (-0.1, 0.0, 0.0), (f32::INFINITY, 1.0, 1.0), (f32::NAN, 1.0, 0.0)];
        for (rate, event, traces) in table {
            let mut options = ClientOptions::new().sample_rate(rate);
            assert!(options.validate().is_err_and(|error| error.to_string().starts_with("sample_rate is ")));
            assert!(options.clamp().is_some_and(|error| error.is_rate()));
            assert_eq!((options.event_sample_rate(), options.sample_rate), (event, event), "{rate}");

            for mut options in [
                ClientOptions::new().traces_sample_rate(rate),
                ClientOptions { traces_sample_rate: rate, ..ClientOptions::default() },
            ] {
                assert!(
                    options
                        .validate()
                        .is_err_and(|error| error.to_string().starts_with("traces_sample_rate"))
                );
                assert!(options.clamp().is_some());
                let TracesSamplingStrategy::FixedRate(now) = options.effective_traces_sampling() else {
                    panic!("an invalid rate is still a decision");
                };
                assert_eq!(now, traces, "{rate}");
                assert!(options.clamp().is_none());
            }
        }
    }

    #[test]
    fn the_bounds_are_in_range() {
        for rate in [0.0, 1.0, f32::MIN_POSITIVE] {
            assert!(ClientOptions::new().sample_rate(rate).traces_sample_rate(rate).validate().is_ok());
        }
    }
}
