//! Many short texts in one allocation.

/// Texts one after another, each behind its length.
pub(crate) struct Texts(Vec<u8>);

/// Bytes of a length.
const PREFIX: usize = 4;
/// What names and values of headers take, their lengths included; more is no harm.
const USUAL: usize = 32;

impl Texts {
    #[inline]
    pub(crate) fn with_room_for(count: usize) -> Self {
        Self(Vec::with_capacity(count * USUAL))
    }

    /// Adds one. What is longer than 4 GiB is left out.
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        let (length, text) = u32::try_from(text.len()).map_or((0, &[][..]), |length| (length, text));
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(text);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<PREFIX>()?;
            let (text, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were() {
        let long = "x".repeat(70_000);
        let given = ["", "a", "", "\u{fffd}", &long, ""];
        let mut texts = Texts::with_room_for(1);
        given.iter().for_each(|text| texts.push(text.as_bytes()));
        assert!(texts.iter().eq(given.iter().map(|text| text.as_bytes())));
    }
}
