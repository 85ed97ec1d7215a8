//! The names that `protocol` passes on.

use std::collections::{BTreeMap, btree_map};
use std::fmt::Debug;
use std::hash::Hash;

use sentry::protocol::debugid::{BreakpadFormat, CodeId, DebugId, ParseDebugIdError};
use sentry::protocol::value::{Index, Number, from_value, to_value};
use sentry::protocol::{self, Map, Url, Uuid, Value};
use sentry::types;

const _: fn(BTreeMap<String, u8>) -> Map<String, u8> = |same| same;
const _: fn(protocol::map::Map<String, u8>) -> Map<String, u8> = |same| same;
const _: fn(btree_map::IntoIter<u8, u8>) -> protocol::map::IntoIter<u8, u8> = |same| same;
const _: fn(protocol::map::Entry<'static, u8, u8>) -> btree_map::Entry<'static, u8, u8> = |same| same;

const _: fn(protocol::value::Value) -> Value = |same| same;
const _: fn(protocol::value::Map<String, Value>) -> Value = Value::Object;
const _: fn(Number) -> Value = Value::Number;
implements!(&'static str: Index);
implements!(usize: Index);

const _: fn(types::Uuid) -> Uuid = |same| same;
const _: fn(types::DebugId) -> DebugId = |same| same;
const _: fn(types::CodeId) -> CodeId = |same| same;
const _: fn(types::ParseDebugIdError) -> ParseDebugIdError = |same| same;
const _: for<'a> fn(&'a DebugId) -> BreakpadFormat<'a> = DebugId::breakpad;
implements!(Url: Clone + Debug + Hash);

#[test]
fn values_go_to_json_and_back() {
    let json = to_value(vec![1, 2]).expect("a list of numbers is JSON");
    assert_eq!(json[1], 2);
    assert_eq!(from_value::<Vec<u8>>(json).expect("what was written can be read"), [1, 2]);
}
