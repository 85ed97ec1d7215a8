//! What a user has to say.

use serde::{Deserialize, Serialize};

use crate::protocol::{Map, Uuid, Value, id};

/// What a user has to say. The event around it has an id of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedbackContext {
    /// Their words; 4,096 characters at most.
    pub message: String,
    /// Where to reach them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_email: Option<String>,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The page they were on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The event they refer to.
    #[serde(with = "id::option", skip_serializing_if = "Option::is_none")]
    pub associated_event_id: Option<Uuid>,
    /// The replay of their session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_id: Option<String>,
    /// What else is known of it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
