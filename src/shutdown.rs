//! Switching off at the end of the program, and saying so where it takes time.

use std::io::Write as _;
use std::time::Duration;

use sentry_core::{Client, clock};

/// A wait shorter than this is nothing to talk about.
const PATIENCE: Duration = Duration::from_millis(100);

/// Closes `client` within its `shutdown_timeout`. Announces the wait if that is wanted and it will be a long one.
pub(crate) fn close(client: &Client) -> bool {
    let timeout = client.options().shutdown_timeout;
    let begun = clock::instant();
    if client.options().announce_shutdown && client.is_enabled() && timeout > PATIENCE {
        announce_if_long(client, timeout);
    }
    let spent = clock::instant().saturating_duration_since(begun);
    client.close(Some(timeout.saturating_sub(spent)))
}

/// Waits as long as it is nothing to talk about; then talks about it.
fn announce_if_long(client: &Client, timeout: Duration) {
    if client.stats().queued == 0 || client.flush(Some(PATIENCE)) {
        return;
    }
    let pending = client.stats().queued;
    if pending > 0 {
        // Nobody to tell when standard error is closed.
        let _ = writeln!(std::io::stderr(), "{}", announcement(pending, timeout));
    }
}

fn announcement(pending: u64, timeout: Duration) -> String {
    let events = if pending == 1 { "event" } else { "events" };
    let seconds = (timeout.as_secs_f64() * 10.0).round() / 10.0;
    format!("sentry: {pending} {events} pending, waiting up to {seconds} s (Ctrl-C to quit)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_tells_how_many_and_how_long() {
        for (pending, timeout, line) in [
            (1, 2_000, "sentry: 1 event pending, waiting up to 2 s (Ctrl-C to quit)"),
            (3, 2_500, "sentry: 3 events pending, waiting up to 2.5 s (Ctrl-C to quit)"),
            (12, 333, "sentry: 12 events pending, waiting up to 0.3 s (Ctrl-C to quit)"),
        ] {
            assert_eq!(announcement(pending, Duration::from_millis(timeout)), line);
        }
    }
}
