//! A recorded span that others begin below.

use std::fmt;
use std::sync::Arc;

use crate::trace::ids::Ids;
use crate::trace::root::Root;

/// What a span of an integration begins below: a recorded span, or a recorded transaction. For integrations.
#[doc(hidden)]
pub struct Above {
    pub(super) root: Arc<Root>,
    pub(super) ids: Ids,
}

impl Above {
    /// `None` for what is not recorded, and where a closer look at new spans is wanted, some of which are left out.
    #[inline]
    pub(super) fn new(root: &Arc<Root>, ids: &Ids) -> Option<Self> {
        (root.is_sampled() && !root.may_ignore()).then(|| Self { root: Arc::clone(root), ids: *ids })
    }
}

impl fmt::Debug for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Above").field("ids", &self.ids).finish_non_exhaustive()
    }
}
