//! A breadcrumb as a scope keeps it.

use super::Brief;
use crate::hub::{self, Hub};
use crate::nesting;
use crate::protocol::Breadcrumb;

/// A breadcrumb as it was given, or in parts that are put together where somebody looks.
#[derive(Debug)]
pub(crate) enum Kept {
    Brief(Brief),
    Whole(Breadcrumb),
}

impl Kept {
    /// Adds it to the current hub.
    #[inline]
    pub(crate) fn add(mut kept: Option<Self>) {
        if hub::add_ready_breadcrumb(&mut kept) {
            Brief::reuse(&mut kept);
        } else if let Some(kept) = kept {
            kept.add_slowly();
        }
    }

    #[cold]
    fn add_slowly(self) {
        Hub::current().add_breadcrumb(self.into_breadcrumb());
    }

    /// For whoever looks.
    pub(super) fn to_breadcrumb(&self) -> Breadcrumb {
        match self {
            Self::Brief(brief) => brief.to_breadcrumb(),
            Self::Whole(breadcrumb) => breadcrumb.clone(),
        }
    }

    /// The same for the last one who looks.
    pub(crate) fn into_breadcrumb(self) -> Breadcrumb {
        match self {
            Self::Brief(brief) => brief.to_breadcrumb(),
            Self::Whole(breadcrumb) => breadcrumb,
        }
    }

    /// Takes off what is too much or nested too deeply.
    #[inline]
    pub(super) fn limit(&mut self) {
        if let Self::Whole(breadcrumb) = self
            && !breadcrumb.data.is_empty()
        {
            nesting::limit_all(breadcrumb.data.values_mut());
        }
    }
}
