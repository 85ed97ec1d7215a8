//! Without the feature `process` nobody is asked.

/// Notices nothing.
pub(super) fn watch() {}
