//! Feature flags.

use serde::{Deserialize, Serialize};

/// The outcome of one evaluation of a feature flag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureFlag {
    /// The name of the flag.
    pub flag: String,
    /// What it evaluated to.
    pub result: bool,
}

/// The feature flags that were evaluated, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagsContext {
    /// The flags.
    pub values: Vec<FeatureFlag>,
}
