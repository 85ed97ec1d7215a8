//! Spans whose transaction is over before they are.
//!
//! What a request leaves behind, such as a job that goes on in the background, ends after the request. It is sent as a
//! transaction of its own in the same trace, with the same ids, and what is below it stays below it:
//!
//! ```text
//! request ────┤ sent              request  (transaction)
//!    └─ job ──────────────┤   ─►     └─ job  (transaction)
//!         └─ query ────┤                 └─ query
//! ```

use sentry_core::{Hub, TransactionOrSpan};

use super::content::ORIGIN;
use super::ids::Key;
use super::open::{OPEN, Open};

/// So many spans above one are looked at.
const DEPTH: usize = 64;

/// Whether the transaction of a span is over, and with it what was recorded of the span so far.
pub(super) fn is_late(key: Key, open: &Open) -> bool {
    let is_over = matches!(open.span, TransactionOrSpan::Span(_)) && !open.span.is_open();
    is_over && !is_ignored(key, open)
}

/// What the application does not want to see has the ids of what is above it.
fn is_ignored(key: Key, open: &Open) -> bool {
    open.span.get_trace_context().span_id != key.span_id()
}

/// Ours for an open span, with a transaction that is not over. `None`: there is none.
pub(super) fn living(hub: &Hub, key: Key) -> Option<TransactionOrSpan> {
    look(hub, key, DEPTH)
}

/// The same for one that has just ended, and is not among the open ones any more.
pub(super) fn renewed(hub: &Hub, key: Key, open: &Open) -> TransactionOrSpan {
    begin_again(hub, key, open, DEPTH)
}

fn look(hub: &Hub, key: Key, depth: usize) -> Option<TransactionOrSpan> {
    let open = OPEN.get(key)?;
    if open.span.is_open() {
        return Some(open.span);
    }
    if is_late(key, &open) {
        return OPEN.renew(key, begin_again(hub, key, &open, depth));
    }
    // A transaction that the application has finished, or a span that it does not want to see.
    look(hub, key.sibling(open.above?), depth.checked_sub(1)?)
}

fn begin_again(hub: &Hub, key: Key, open: &Open, depth: usize) -> TransactionOrSpan {
    let known = open.span.get_trace_context();
    let (op, name) = (known.op.unwrap_or_default(), known.description.unwrap_or_default());
    let above = match (open.above, depth.checked_sub(1)) {
        (Some(above), Some(depth)) => look(hub, key.sibling(above), depth),
        _ => None,
    };
    let again: TransactionOrSpan = match above {
        Some(above) => above.start_child_as((&op, &name), &known.data, key.span_id(), open.start).into(),
        None => {
            let context = open.span.apart(&name, &op);
            // Tags and user are those of the request.
            let home = open.span.home();
            home.as_ref().unwrap_or(hub).start_transaction_with_timestamp(context, open.start).into()
        }
    };
    again.set_origin(ORIGIN);
    known.data.into_iter().for_each(|(key, value)| again.set_data(&key, value));
    again
}
