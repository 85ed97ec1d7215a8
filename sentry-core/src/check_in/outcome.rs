//! How a job tells whether it went well.

/// What a job returns, as far as its monitor cares.
///
/// Implemented for `()`, which is always well, for results and for `bool`. Implement it for a type of your own to have
/// it returned by a job.
pub trait JobOutcome {
    /// Whether the job went well.
    fn went_well(&self) -> bool;
}

impl JobOutcome for () {
    fn went_well(&self) -> bool {
        true
    }
}

impl JobOutcome for bool {
    fn went_well(&self) -> bool {
        *self
    }
}

impl<T, E> JobOutcome for Result<T, E> {
    fn went_well(&self) -> bool {
        self.is_ok()
    }
}
