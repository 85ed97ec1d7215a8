//! Whom to tell what became of something.

/// The items that an attempt stands for, by the epochs they were accepted in.
#[derive(Debug)]
pub(super) enum Answers {
    /// A client report of ours: a flush waits for it, but nobody captured it.
    Report(u64),
    /// One captured item.
    One(u64),
    /// The items of a batch: epoch and how many of it.
    Batch(Vec<(u64, usize)>),
    /// Something that was answered before, when it was kept in the store.
    Kept,
}

/// What became of a captured item in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The server has it, in so many bytes on the wire.
    Delivered(usize),
    /// The server has counted and discarded it.
    Limited,
    /// It is in the store, and will be tried from there.
    Spooled,
    /// It is gone, and was counted by whoever dropped it.
    Dropped,
}

impl Answers {
    /// Epochs, each with a number of answers.
    pub(super) fn by_epoch(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        let (one, batch) = match self {
            Self::Report(epoch) | Self::One(epoch) => (Some((*epoch, 1)), &[][..]),
            Self::Batch(batch) => (None, &batch[..]),
            Self::Kept => (None, &[][..]),
        };
        one.into_iter().chain(batch.iter().copied())
    }

    /// How many captured items they are.
    pub(super) fn items(&self) -> u64 {
        match self {
            Self::Report(_) | Self::Kept => 0,
            Self::One(_) => 1,
            Self::Batch(batch) => batch.iter().map(|(_, count)| *count as u64).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_waited_for_but_is_no_item() {
        let (report, one) = (Answers::Report(3), Answers::One(4));
        let batch = Answers::Batch(vec![(4, 10), (5, 2)]);
        assert_eq!([report.items(), one.items(), batch.items()], [0, 1, 12]);
        assert_eq!(report.by_epoch().collect::<Vec<_>>(), [(3, 1)]);
        assert_eq!(batch.by_epoch().collect::<Vec<_>>(), [(4, 10), (5, 2)]);
    }
}
