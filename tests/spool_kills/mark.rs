//! What a captured item says about itself, so that garbage is told from what was captured: a child's seed, a number, and a
//! text that follows from both.

use sentry::protocol::Value;

use crate::random::{Random, mix};

/// One captured item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub(crate) seed: u64,
    pub(crate) number: u64,
}

impl Mark {
    /// The message, or the text of the error or panic.
    pub(crate) fn text(self) -> String {
        format!("{} {} {}", letters(self.seed), self.number, letters(mix(self.seed ^ mix(self.number))))
    }

    /// Up to 6 KB of letters.
    pub(crate) fn blob(self) -> String {
        let mut random = Random::new(self.seed ^ mix(self.number));
        let length = random.below(6_000);
        (0..length)
            .map(|n| if n % 7 == 6 { ' ' } else { char::from(b'a' + (random.next() % 26) as u8) })
            .collect()
    }

    /// Reads an event that was received. What is not exactly as it was captured is an error.
    pub(crate) fn of_event(event: &Value) -> Result<Self, String> {
        let exception = || event["exception"]["values"].as_array()?.last()?["value"].as_str();
        let text =
            event["message"].as_str().or_else(|| event["logentry"]["formatted"].as_str()).or_else(exception);
        let text = text.ok_or("an event without a text")?;
        let mut parts = text.split(' ');
        let seed = parts.next().and_then(number);
        let count = parts.next().and_then(|part| part.parse().ok());
        let (Some(seed), Some(number)) = (seed, count) else {
            return Err(format!("a text of nobody: {text:?}"));
        };
        let mark = Self { seed, number };
        if mark.text() != text {
            return Err(format!("a text that was changed: {text:?}"));
        }
        if event["extra"]["blob"].as_str() != Some(&*mark.blob()) {
            let near = mark.number.saturating_sub(50)..mark.number + 50;
            let other = near
                .map(|number| Self { number, ..mark })
                .find(|other| event["extra"]["blob"] == other.blob());
            return Err(format!(
                "an extra that was changed: {mark:?}, that of {other:?}: {}, meta {}",
                event["extra"], event["_meta"]
            ));
        }
        Ok(mark)
    }
}

/// A number in letters: sixteen digits might be those of a card, which are nobody's business.
fn letters(number: u64) -> String {
    (0..16).rev().map(|place| char::from(b'a' + (number >> (4 * place) & 15) as u8)).collect()
}

fn number(letters: &str) -> Option<u64> {
    let digit = |letter: u8| letter.checked_sub(b'a').filter(|digit| *digit < 16);
    letters.bytes().try_fold(0, |number, letter| Some(number << 4 | u64::from(digit(letter)?)))
}
