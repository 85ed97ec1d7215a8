//! `serde` helpers for event ids: 32 lower-case hex digits on the way out, dashes accepted on the way in.

use serde::{Deserialize, Deserializer, Serializer};
use uuid::Uuid;

pub(super) fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    uuid::serde::simple::serialize(id, serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    Uuid::deserialize(deserializer)
}

/// The same for ids that may be missing.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Serializer, Uuid};

    pub(in crate::protocol) fn serialize<S: Serializer>(
        id: &Option<Uuid>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => super::serialize(id, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::protocol) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Uuid>, D::Error> {
        Option::deserialize(deserializer)
    }
}
