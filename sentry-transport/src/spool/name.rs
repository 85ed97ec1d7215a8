//! The name of a file, which says everything about it but what is in it.

use std::fmt;
use std::str::FromStr;

use flate2::Crc;
use sentry_core::types::Uuid;

use crate::store::Rank;

/// Ends the name of a complete file.
pub(super) const COMPLETE: &str = ".env";

/// What a name says. Names sort by sequence, the order in which files were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) sequence: u64,
    /// Seconds since 1970.
    pub(super) time: u64,
    pub(super) rank: Rank,
    pub(super) tries: u8,
    pub(super) length: u32,
    pub(super) checksum: u32,
    pub(super) event_id: Uuid,
    /// A number for the session that it brings an update of, if any.
    pub(super) session: u32,
}

impl Name {
    /// The same file with another content: only an update of a session is ever rewritten, and gets longer by that.
    pub(super) fn is_older_version_of(&self, other: &Self) -> bool {
        let rewritten = Self {
            tries: self.tries,
            length: self.length,
            checksum: self.checksum,
            time: self.time,
            ..*other
        };
        self.session != 0 && *self == rewritten && self.length < other.length
    }

    /// Whether `bytes` are what the name says.
    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.length as usize && checksum(bytes) == self.checksum
    }
}

pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, time, rank, tries, length, checksum, event_id, session } = self;
        let rank = *rank as u8;
        write!(
            f,
            "{sequence:016x}-{time:010x}-{rank}-{tries:02x}-{length:08x}-{checksum:08x}-{}-{session:08x}{COMPLETE}",
            event_id.simple()
        )
    }
}

impl FromStr for Name {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.strip_suffix(COMPLETE).ok_or(())?.splitn(9, '-').collect();
        let [sequence, time, rank, tries, length, checksum, event_id, session] = parts[..] else {
            return Err(());
        };
        let name = Self {
            sequence: number(sequence)?,
            time: number(time)?,
            rank: Rank::ALL.into_iter().find(|one| number(rank) == Ok(*one as u64)).ok_or(())?,
            tries: u8::try_from(number(tries)?).map_err(|_| ())?,
            length: u32::try_from(number(length)?).map_err(|_| ())?,
            checksum: u32::try_from(number(checksum)?).map_err(|_| ())?,
            event_id: Uuid::parse_str(event_id).map_err(|_| ())?,
            session: u32::try_from(number(session)?).map_err(|_| ())?,
        };
        // One name per file: no other spelling of the same.
        if name.to_string() == text { Ok(name) } else { Err(()) }
    }
}

fn number(text: &str) -> Result<u64, ()> {
    u64::from_str_radix(text, 16).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        Name {
            sequence: 7,
            time: 1_700_000_000,
            rank: Rank::Crash,
            tries: 3,
            length: 5,
            checksum: checksum(b"hello"),
            event_id: Uuid::from_u128(42),
            session: 0x5e55,
        }
    }

    #[test]
    fn a_name_is_read_back_and_knows_its_bytes() {
        let text = name().to_string();
        assert_eq!(text.parse(), Ok(name()));
        for rank in Rank::ALL {
            let name = Name { rank, ..name() };
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert!(name().fits(b"hello"));
        assert!(!name().fits(b"hellO") && !name().fits(b"hell") && !name().fits(b""));
    }

    #[test]
    fn names_sort_by_sequence() {
        let text = |sequence| Name { sequence, ..name() }.to_string();
        assert!(text(9) < text(10) && text(255) < text(256) && text(1) < text(u64::MAX));
    }

    #[test]
    fn anything_else_is_no_name() {
        let good = name().to_string();
        let mut wrong: Vec<String> =
            ["", ".env", "a-b.env", "../../etc/passwd", "-------.env", "\u{1f600}.env"]
                .map(str::to_owned)
                .to_vec();
        wrong.extend([
            good.replace(".env", ".tmp"),
            good.to_uppercase(),
            format!("0{good}"),
            format!("{good}x"),
        ]);
        wrong.push(good.replacen("-6-", "-9-", 1));
        for text in wrong {
            assert_eq!(text.parse::<Name>(), Err(()), "{text}");
        }
    }
}
