//! Numbers measured during a transaction or a span.

use serde::{Deserialize, Serialize};

use super::{Unit, number};

/// A number with its unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measurement {
    /// The number.
    #[serde(with = "number::or_null")]
    pub value: f64,
    /// Its unit; none for plain counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}
