//! Status and headers to [`Outcome`].

use std::time::Duration;

use crate::rate_limit::seconds;
use crate::sender::Response;

/// How often an item is sent to a proxy that says its server is away.
pub(crate) const MAX_UNAVAILABLE: u8 = 3;

/// The least time between two of these tries.
const UNAVAILABLE_PAUSE: Duration = Duration::from_secs(5);

/// How often an item may be cut off after its first byte. A server that resets each time refuses the item itself;
/// without this bound it would hold back everything behind it.
pub(crate) const MAX_AMBIGUOUS: u8 = 6;

/// What an answer means for the item it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has arrived.
    Delivered,
    /// Discard it; the server has counted it.
    Limited,
    /// Discard it and count it.
    Rejected,
    /// Discard it, count it and say so: it was too large.
    TooLarge,
    /// It did not reach the server behind the proxy: try again after this pause.
    Unavailable {
        /// How long.
        pause: Duration,
        /// Whether the proxy said so; it speaks for everything then.
        is_asked_for: bool,
    },
}

/// Decides by the answer alone. 502, 503 and 504 come from the proxy in front of a restarting server and are the only
/// 5xx worth another try.
pub(crate) fn classify(response: &Response) -> Outcome {
    match response.status() {
        200..=299 => Outcome::Delivered,
        413 => Outcome::TooLarge,
        429 => Outcome::Limited,
        502..=504 => {
            let asked = response.header("retry-after").and_then(seconds);
            Outcome::Unavailable {
                pause: asked.unwrap_or_default().max(UNAVAILABLE_PAUSE),
                is_asked_for: asked.is_some(),
            }
        }
        _ => Outcome::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Delivered, Limited, Rejected, TooLarge};
    use super::*;

    const UNAVAILABLE: Outcome = Outcome::Unavailable { pause: UNAVAILABLE_PAUSE, is_asked_for: false };

    #[test]
    fn every_status_has_one_meaning() {
        let table = [
            (100, Rejected),
            (200, Delivered),
            (201, Delivered),
            (204, Delivered),
            (299, Delivered),
            (301, Rejected),
            (304, Rejected),
            (400, Rejected),
            (401, Rejected),
            (403, Rejected),
            (404, Rejected),
            (413, TooLarge),
            (429, Limited),
            (499, Rejected),
            (500, Rejected),
            (501, Rejected),
            (502, UNAVAILABLE),
            (503, UNAVAILABLE),
            (504, UNAVAILABLE),
            (505, Rejected),
            (599, Rejected),
            (0, Rejected),
            (999, Rejected),
        ];
        for (status, expected) in table {
            assert_eq!(classify(&Response::new(status)), expected, "{status}");
        }
    }

    #[test]
    fn a_proxy_may_ask_for_a_longer_pause_but_not_for_a_shorter_one() {
        let pause = |value| classify(&Response::new(503).with_header("Retry-After", value));
        let asked =
            |seconds| Outcome::Unavailable { pause: Duration::from_secs(seconds), is_asked_for: true };
        assert_eq!(pause("30"), asked(30));
        assert_eq!(pause("1"), asked(5));
        assert_eq!(pause("nonsense"), UNAVAILABLE);
    }
}
