//! How an exception came to be reported.

use serde::{Deserialize, Serialize, Serializer};

use super::{Map, Url, Value, lenient};

/// How an exception came to be reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mechanism {
    /// What reported it: `generic`, `panic`, `auto.log.tracing`, … Written as `generic` when empty.
    #[serde(rename = "type", serialize_with = "type_or_generic", deserialize_with = "lenient::or_default")]
    pub ty: String,
    /// A description for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::url")]
    pub help_link: Option<Url>,
    /// Whether the application dealt with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<bool>,
    /// Whether the type of the exception says nothing, as with signals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<bool>,
    /// The number of this exception within its group; the outermost one is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception_id: Option<u64>,
    /// The number of the exception that this one caused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<u64>,
    /// Whether it only holds other exceptions together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_exception_group: Option<bool>,
    /// How its parent refers to it: `cause`, `errors[0]`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub data: Map<String, Value>,
    /// What the operating system said.
    #[serde(skip_serializing_if = "MechanismMeta::is_empty", deserialize_with = "lenient::or_default")]
    pub meta: MechanismMeta,
}

/// The server refuses a mechanism without a type.
fn type_or_generic<S: Serializer>(ty: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if ty.is_empty() { "generic" } else { ty })
}

/// What the operating system said about an exception.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MechanismMeta {
    /// An error code of the C library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno: Option<CError>,
    /// A signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<PosixSignal>,
    /// An exception of the Mach kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mach_exception: Option<MachException>,
}

impl MechanismMeta {
    fn is_empty(&self) -> bool {
        self.errno.is_none() && self.signal.is_none() && self.mach_exception.is_none()
    }
}

/// An error code of the C library.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CError {
    /// The code.
    pub number: i32,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl From<i32> for CError {
    fn from(number: i32) -> Self {
        Self { number, name: None }
    }
}

impl From<CError> for i32 {
    fn from(error: CError) -> Self {
        error.number
    }
}

/// A POSIX signal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PosixSignal {
    /// Its number.
    pub number: i32,
    /// Why it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_name: Option<String>,
}

impl From<i32> for PosixSignal {
    fn from(number: i32) -> Self {
        Self { number, ..Self::default() }
    }
}

impl From<(i32, i32)> for PosixSignal {
    /// Number and code.
    fn from((number, code): (i32, i32)) -> Self {
        Self { number, code: Some(code), ..Self::default() }
    }
}

impl From<PosixSignal> for i32 {
    fn from(signal: PosixSignal) -> Self {
        signal.number
    }
}

/// An exception of the Mach kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachException {
    /// Its type.
    pub exception: i32,
    /// Its code.
    pub code: u64,
    /// Its subcode.
    pub subcode: u64,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_mechanism_survives_the_round_trip() {
        let json = json!({
            "type": "signalhandler", "description": "crash", "help_link": "https://example.com/", "handled": false,
            "synthetic": true, "exception_id": 1, "parent_id": 0, "is_exception_group": false, "source": "cause",
            "data": {"relevant_address": "0x1"},
            "meta": {
                "errno": {"number": 2, "name": "ENOENT"},
                "signal": {"number": 11, "code": 1, "name": "SIGSEGV", "code_name": "SEGV_MAPERR"},
                "mach_exception": {"exception": 1, "code": 2, "subcode": 8, "name": "EXC_BAD_ACCESS"}
            }
        });
        let mechanism: Mechanism = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&mechanism).unwrap(), json);
    }

    #[test]
    fn an_empty_mechanism_is_generic_without_meta() {
        assert_eq!(serde_json::to_value(Mechanism::default()).unwrap(), json!({"type": "generic"}));
    }

    #[test]
    fn a_bad_link_does_not_cost_the_mechanism() {
        let mechanism: Mechanism =
            serde_json::from_value(json!({"type": "panic", "help_link": "nowhere"})).unwrap();
        assert_eq!((mechanism.ty.as_str(), mechanism.help_link), ("panic", None));
    }

    #[test]
    fn codes_convert_from_and_to_numbers() {
        assert_eq!(i32::from(CError::from(2)), 2);
        assert_eq!(i32::from(PosixSignal::from(11)), 11);
        assert_eq!(PosixSignal::from((11, 1)).code, Some(1));
    }
}
