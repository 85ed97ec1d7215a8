//! The root spans that a profiler runs for.

use sentry_core::RootSpan;

/// Those that were open when last looked at, and some that have ended since.
#[derive(Debug, Default)]
pub(super) struct Roots {
    spans: Vec<RootSpan>,
    /// With so many it is worth to look at each.
    crowd: usize,
}

/// So few are not worth a look at each.
const FEW: usize = 64;

impl Roots {
    /// Takes in those that have begun, and tells whether one of all goes on.
    ///
    /// Only as many are asked as it takes to find one: with thousands at a time that is still little to do a hundred times a
    /// second.
    pub(super) fn add_and_look(&mut self, arrived: Vec<RootSpan>) -> bool {
        self.spans.extend(arrived);
        if self.spans.len() > self.crowd.max(FEW) {
            self.spans.retain(RootSpan::is_open);
            self.crowd = 2 * self.spans.len();
        }
        while self.spans.pop_if(|last| !last.is_open()).is_some() {}
        !self.spans.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use sentry_core::test::with_captured_envelopes_options;
    use sentry_core::{ClientEvent, ClientOptions, Hub, Transaction, TransactionContext, start_transaction};

    use super::*;

    /// So many transactions, and what hooks see of them.
    fn started(count: usize) -> (Vec<Transaction>, Vec<RootSpan>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let roots = Arc::clone(&seen);
        let hook = Hub::current().client().unwrap().on(move |event| {
            if let ClientEvent::RootStarted(root) = event {
                roots.lock().unwrap().push((*root).clone());
            }
        });
        let transactions =
            (0..count).map(|_| start_transaction(TransactionContext::new("t", "op"))).collect();
        drop(hook);
        (transactions, std::mem::take(&mut *seen.lock().unwrap()))
    }

    fn traced(f: impl FnOnce()) {
        with_captured_envelopes_options(f, ClientOptions::new().traces_sample_rate(1.0));
    }

    #[test]
    fn one_that_goes_on_is_enough() {
        traced(|| {
            let (transactions, seen) = started(3);
            let mut roots = Roots::default();
            assert!(roots.add_and_look(seen));
            transactions[2].clone().finish();
            transactions[0].clone().finish();
            assert!(roots.add_and_look(Vec::new()));
            // Neither finished nor kept by anybody.
            drop(transactions);
            assert!(!roots.add_and_look(Vec::new()));
            assert!(roots.spans.is_empty());
        });
    }

    #[test]
    fn those_that_have_ended_do_not_pile_up_below_one_that_goes_on() {
        traced(|| {
            let mut roots = Roots::default();
            let mut kept = Vec::new();
            for _ in 0..100 {
                let (mut transactions, seen) = started(10);
                kept.truncate(5);
                kept.extend(transactions.pop());
                assert!(roots.add_and_look(seen));
            }
            assert!(roots.spans.len() <= 2 * FEW, "{}", roots.spans.len());
        });
    }
}
