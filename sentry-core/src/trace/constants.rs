//! Values that are the same for all spans from one place in the code.
//!
//! To copy them into each span is most of what such a span costs. So a span refers to them, and they become data where it
//! gets its wire form.

use std::any::Any;
use std::fmt;

use crate::protocol::{Map, Value};

/// Something that lives as long as the process and knows such values.
pub type Knows = &'static (dyn Any + Send + Sync);

/// The values that it knows, as far as a span has none of these names. For integrations.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Constants {
    of: Knows,
    tell: fn(Knows, &mut dyn FnMut(&'static str, Value)),
}

impl Constants {
    /// What `tell` tells of it.
    #[inline]
    #[must_use]
    pub fn new(of: Knows, tell: fn(Knows, &mut dyn FnMut(&'static str, Value))) -> Self {
        Self { of, tell }
    }

    /// What a span has itself, and its constants.
    pub(super) fn added(constants: Option<Self>, mut data: Map<String, Value>) -> Map<String, Value> {
        if let Some(Self { of, tell }) = constants {
            tell(of, &mut |name, value| _ = data.entry(name.to_owned()).or_insert(value));
        }
        data
    }
}

impl fmt::Debug for Constants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Constants").finish_non_exhaustive()
    }
}
