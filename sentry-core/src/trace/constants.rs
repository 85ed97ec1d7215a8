//! Values that are the same for all spans from one place in the code.
//!
//! To copy them into each span is most of what such a span costs. So a span refers to them, and they become data where it
//! gets its wire form.

use std::any::Any;
use std::fmt;

use crate::protocol::{Map, Value};
use crate::trace::notes::Notes;

/// Something that lives as long as the process and knows such values.
pub type Knows = &'static (dyn Any + Send + Sync);

/// The values that it knows, as far as a span has none of these names. For integrations.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Constants {
    of: Knows,
    asks: &'static Asks,
}

/// What an integration answers about what knows such values.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Asks {
    /// Tells the values.
    pub tell: fn(Knows, &mut dyn FnMut(&'static str, Value)),
    /// The name of the field with a number.
    pub field: fn(Knows, u8) -> Option<&'static str>,
    /// What made the spans.
    pub origin: &'static str,
}

impl Constants {
    /// What is answered about it.
    #[inline]
    #[must_use]
    pub fn new(of: Knows, asks: &'static Asks) -> Self {
        Self { of, asks }
    }

    #[inline]
    pub(super) fn origin(self) -> &'static str {
        self.asks.origin
    }

    /// Makes data of the fields of a span.
    pub(super) fn read(self, notes: &Notes, data: &mut Map<String, Value>) {
        notes.tell(|field, value| {
            if let Some(name) = (self.asks.field)(self.of, field) {
                data.insert(name.to_owned(), value);
            }
        });
    }

    /// What a span has itself, and its constants.
    pub(super) fn added(constants: Option<Self>, mut data: Map<String, Value>) -> Map<String, Value> {
        if let Some(Self { of, asks }) = constants {
            (asks.tell)(of, &mut |name, value| _ = data.entry(name.to_owned()).or_insert(value));
        }
        data
    }
}

impl fmt::Debug for Constants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Constants").finish_non_exhaustive()
    }
}
