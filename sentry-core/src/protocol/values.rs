//! Lists of the protocol.

use std::ops::{Deref, DerefMut};
use std::{slice, vec};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::lenient;

/// A list, written as `{"values": […]}`. A bare list is read as well.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Values<T> {
    /// The elements.
    pub values: Vec<T>,
}

impl<T> Values<T> {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self { values: Vec::new() }
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<Vec<T>> for Values<T> {
    fn from(values: Vec<T>) -> Self {
        Self { values }
    }
}

impl<T> AsRef<[T]> for Values<T> {
    fn as_ref(&self) -> &[T] {
        &self.values
    }
}

impl<T> AsMut<Vec<T>> for Values<T> {
    fn as_mut(&mut self) -> &mut Vec<T> {
        &mut self.values
    }
}

impl<T> Deref for Values<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.values
    }
}

impl<T> DerefMut for Values<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.values
    }
}

impl<T> Extend<T> for Values<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, iter: I) {
        self.values.extend(iter);
    }
}

impl<T> FromIterator<T> for Values<T> {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        Vec::from_iter(iter).into()
    }
}

impl<T> IntoIterator for Values<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Values<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Values<T> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter_mut()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Values<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        lenient::values(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_written_wrapped() {
        let list: Values<u8> = [1, 2].into_iter().collect();
        let json = json!({"values": [1, 2]});
        assert_eq!(serde_json::to_value(&list).unwrap(), json);
        assert_eq!(serde_json::from_value::<Values<u8>>(json).unwrap(), list);
        assert_eq!(serde_json::from_value::<Values<u8>>(json!([1, 2])).unwrap(), list);
    }

    #[test]
    fn a_list_is_used_as_a_vector() {
        let mut list = Values::new();
        list.push(1);
        list.extend([2]);
        for element in &mut list {
            *element *= 2;
        }
        assert_eq!((&list).into_iter().sum::<i32>(), 6);
        assert_eq!(list.into_iter().collect::<Vec<_>>(), [2, 4]);
    }
}
