//! Changing the data of a span or a transaction in place.
//!
//! The data is taken out while it is being changed and put back when the guard is dropped: no lock is held meanwhile,
//! so code that uses the span in between cannot block itself.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard};

use crate::protocol::{Map, Value};
use crate::sync::lock;
use crate::trace::record::RecordState;
use crate::trace::root::State;

/// The data of a [`Span`](crate::Span), as a map.
///
/// Belongs to the thread that asked for it. Changes count once it is dropped.
pub struct Data<'a>(Taken<'a, RecordState>);

impl<'a> Data<'a> {
    /// `None`: the span is not recorded, and what is written goes nowhere.
    pub(super) fn new(state: Option<&'a Mutex<RecordState>>) -> Self {
        Self(Taken::new(state))
    }

    /// Sets a value.
    pub fn set_data(&mut self, key: String, value: Value) {
        self.0.values.insert(key, value);
    }

    /// Sets a tag.
    pub fn set_tag(&mut self, key: String, value: String) {
        self.0.set_tag(key, value);
    }
}

impl Deref for Data<'_> {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0.values
    }
}

impl DerefMut for Data<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0.values
    }
}

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Data").field(&self.0.values.keys()).finish()
    }
}

/// The data of a [`Transaction`](crate::Transaction).
///
/// Belongs to the thread that asked for it. Changes count once it is dropped.
pub struct TransactionData<'a>(Taken<'a, State>);

impl<'a> TransactionData<'a> {
    /// `None`: the transaction is not recorded, and what is written goes nowhere.
    pub(super) fn new(state: Option<&'a Mutex<State>>) -> Self {
        Self(Taken::new(state))
    }

    /// The values.
    #[must_use]
    pub fn iter(&self) -> Box<dyn Iterator<Item = (&String, &Value)> + '_> {
        Box::new(self.0.values.iter())
    }

    /// Sets a value.
    pub fn set_data(&mut self, key: Cow<'a, str>, value: Value) {
        self.0.values.insert(key.into_owned(), value);
    }

    /// Sets a tag.
    pub fn set_tag(&mut self, key: Cow<'_, str>, value: String) {
        self.0.set_tag(key.into_owned(), value);
    }
}

impl fmt::Debug for TransactionData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TransactionData").field(&self.0.values.keys()).finish()
    }
}

/// Something that carries data and tags.
pub(super) trait HoldsData {
    fn data(&mut self) -> &mut Map<String, Value>;
    fn tags(&mut self) -> &mut Map<String, String>;
}

/// Data that is away from its place until this is dropped.
struct Taken<'a, S: HoldsData> {
    values: Map<String, Value>,
    home: Option<&'a Mutex<S>>,
    not_send: PhantomData<MutexGuard<'a, ()>>,
}

impl<'a, S: HoldsData> Taken<'a, S> {
    fn new(home: Option<&'a Mutex<S>>) -> Self {
        let values = home.map(|home| std::mem::take(lock(home).data())).unwrap_or_default();
        Self { values, home, not_send: PhantomData }
    }

    fn set_tag(&self, key: String, value: String) {
        if let Some(home) = self.home {
            lock(home).tags().insert(key, value);
        }
    }
}

impl<S: HoldsData> Drop for Taken<'_, S> {
    fn drop(&mut self) {
        if let Some(home) = self.home {
            let mut state = lock(home);
            // What was written meanwhile is newer than what was there at the beginning.
            let meanwhile = std::mem::replace(state.data(), std::mem::take(&mut self.values));
            state.data().extend(meanwhile);
        }
    }
}
