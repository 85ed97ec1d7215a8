//! The compiler this program was built with.

use sentry_core::protocol::{Context, Map, RuntimeContext, Value};

use crate::contexts::utils::{RUSTC_CHANNEL, RUSTC_VERSION};

pub(super) fn context() -> Context {
    let mut other = Map::new();
    if let Some(channel) = RUSTC_CHANNEL {
        other.insert("channel".to_owned(), Value::from(channel));
    }
    RuntimeContext { name: Some("rustc".to_owned()), version: RUSTC_VERSION.map(str::to_owned), other }.into()
}
