//! A map of texts in two allocations.

use crate::protocol::Map;
use crate::size::chunk;

/// Keys and values, one behind the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    texts: Box<str>,
    /// Where in `texts` each key and each value ends.
    ends: Box<[usize]>,
}

impl Pairs {
    /// The bytes it holds beside itself.
    pub(super) fn size(&self) -> usize {
        chunk(self.texts.len()) + chunk(size_of_val(&*self.ends))
    }
}

impl From<Map<String, String>> for Pairs {
    fn from(map: Map<String, String>) -> Self {
        if map.is_empty() {
            return Self::default();
        }
        let len = map.iter().map(|(key, value)| key.len() + value.len()).sum();
        let (mut texts, mut ends) = (String::with_capacity(len), Vec::with_capacity(2 * map.len()));
        for (key, value) in map {
            for text in [key, value] {
                texts.push_str(&text);
                ends.push(texts.len());
            }
        }
        Self { texts: texts.into(), ends: ends.into() }
    }
}

impl From<Pairs> for Map<String, String> {
    fn from(Pairs { texts, ends }: Pairs) -> Self {
        let mut start = 0;
        let mut next = |end: usize| {
            let text = texts.get(start..end).unwrap_or_default().to_owned();
            start = end;
            text
        };
        ends.chunks_exact(2).map(|pair| (next(pair[0]), next(pair[1]))).collect()
    }
}
