//! The link to a profile.

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Uuid, Value, id};

/// The profile that belongs to a transaction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfileContext {
    /// The profile of this transaction alone.
    #[serde(with = "id::option", skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<Uuid>,
    /// The session of the continuous profiler.
    #[serde(with = "id::option", skip_serializing_if = "Option::is_none")]
    pub profiler_id: Option<Uuid>,
    /// What else is known of it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
