//! A handle that does not keep its hub alive.

use std::sync::{Mutex, Weak};

use crate::hub::{Hub, HubState};

/// For what a scope of the hub may hold, such as a transaction: a strong handle there would be a leak.
#[derive(Clone, Default)]
pub(crate) struct WeakHub(Weak<Mutex<HubState>>);

impl Hub {
    pub(crate) fn downgrade(&self) -> WeakHub {
        WeakHub(std::sync::Arc::downgrade(&self.state))
    }
}

impl WeakHub {
    /// The hub, if somebody still uses it.
    pub(crate) fn upgrade(&self) -> Option<Hub> {
        self.0.upgrade().map(|state| Hub { state })
    }
}
