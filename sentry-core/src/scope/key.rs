//! Keys of maps: short ones, as almost all are, take no room of their own.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The longest key that is kept in place.
const SHORT: usize = 22;

/// A text that is cheap to make and to clone.
#[derive(Clone)]
pub(super) enum Key {
    Long(Arc<str>),
    Short { len: u8, bytes: [u8; SHORT] },
}

impl Key {
    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Long(text) => text.as_bytes(),
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Long(text) => text,
            // Always a text: it was one when it came.
            Self::Short { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
        }
    }
}

impl From<&str> for Key {
    #[inline]
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { len: text.len() as u8, bytes }
            }
            None => Self::Long(text.into()),
        }
    }
}

// The bytes of texts are ordered as the texts are.
impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_length_are_what_they_were_made_of_and_ordered_as_texts() {
        let texts: Vec<String> = (0..60).map(|len| "ä€b".chars().cycle().take(len).collect()).collect();
        for text in &texts {
            let key = Key::from(text.as_str());
            assert_eq!(key.as_str(), text);
            assert_eq!(matches!(key, Key::Short { .. }), text.len() <= SHORT);
            for other in &texts {
                assert_eq!(key.cmp(&Key::from(other.as_str())), text.cmp(other));
            }
        }
    }
}
