//! `serde` helpers for floating-point numbers: JSON knows no infinity.

/// For `skip_serializing_if`: an optional number that is missing or cannot be written.
pub(super) fn is_unwritable(number: &Option<f64>) -> bool {
    !number.is_some_and(f64::is_finite)
}

/// The same for `f32`.
pub(super) fn is_unwritable_f32(number: &Option<f32>) -> bool {
    !number.is_some_and(f32::is_finite)
}

/// A required number: `null` when it is not finite, and back.
pub(super) mod or_null {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::protocol) fn serialize<S: Serializer>(
        number: &f64,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if number.is_finite() { serializer.serialize_f64(*number) } else { serializer.serialize_none() }
    }

    pub(in crate::protocol) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<f64, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}
