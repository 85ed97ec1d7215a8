//! What is left out of an item that is too large although each part of it is within its caps.
//!
//! Step by step, the least valuable first, and no more than it takes. In the end comes one more walk with caps so tight
//! that what is left always fits.

use std::borrow::Cow;

use sentry_core::protocol::{Context, DebugMeta, Event, Frame, Map, Request, Stacktrace, Transaction, Value};
use sentry_core::utils::take_apart;

use super::caps::{Caps, ITEM};
use super::measure;
use super::visit::{self, Seen, Visit};
use crate::scrub::trail::Trail;

/// Frames at either end of a stack whose variables and lines are kept longest.
const NEAR: usize = 25;

/// What a remark takes: something is left out for the remarks on what was left out.
const REMARK: usize = 128;

type Step<T> = fn(&mut Visit<'_>, &mut T, usize);

const OF_EVENT: [Step<Event<'static>>; 14] = [
    |visit, event, _| each_stack(visit, event, |visit, at, stack| forget_details(visit, at, stack, NEAR)),
    |visit, event, _| {
        each_stack(visit, event, |visit, at, stack| {
            each_frame(at, stack, 0, |at, frame| forget_vars(visit, at, frame));
        });
    },
    |visit, event, _| each_stack(visit, event, |visit, at, stack| forget_details(visit, at, stack, 0)),
    breadcrumbs,
    |visit, event, excess| largest(visit, "extra", &mut event.extra, excess),
    |visit, event, excess| contexts(visit, &mut event.contexts, excess),
    |visit, event, _| {
        if !event.modules.is_empty() {
            visit.notes.gone(&Trail::ROOT.name("modules"), event.modules.len());
            event.modules.clear();
        }
    },
    |visit, event, _| body(visit, event.request.as_mut()),
    |visit, event, _| rest_of_request(visit, event.request.as_mut()),
    |visit, event, _| {
        let root = Trail::ROOT;
        visit.keep_threads(&root.name("threads").name("values"), &mut event.threads, 0);
    },
    |visit, event, _| each_stack(visit, event, |visit, at, stack| visit.keep_ends(at, stack, 2 * NEAR)),
    |visit, event, _| {
        if !event.debug_meta.images.is_empty() {
            let root = Trail::ROOT;
            visit.notes.gone(&root.name("debug_meta").name("images"), event.debug_meta.images.len());
            event.debug_meta = Cow::Owned(DebugMeta::default());
        }
    },
    |visit, event, _| each_stack(visit, event, |visit, at, stack| visit.keep_ends(at, stack, NEAR)),
    |visit, event, _| {
        let root = Trail::ROOT;
        visit.keep_causes(&root.name("exception").name("values"), &mut event.exception, 4);
    },
];

const OF_TRANSACTION: [Step<Transaction<'static>>; 6] = [
    span_data,
    |visit, transaction, excess| largest(visit, "extra", &mut transaction.extra, excess),
    |visit, transaction, excess| contexts(visit, &mut transaction.contexts, excess),
    |visit, transaction, _| body(visit, transaction.request.as_mut()),
    |visit, transaction, _| rest_of_request(visit, transaction.request.as_mut()),
    spans,
];

/// Makes an event fit that does not.
pub(super) fn event(caps: &Caps, event: &mut Event<'static>) -> Seen {
    let mut done = Seen::default();
    for step in OF_EVENT {
        let size = measure::of(|to| serde_json::to_writer(to, event));
        let Some(excess) = size.checked_sub(ITEM + 1) else { return done };
        let mut visit = Visit::with_remarks(caps, event.meta.take().map(|meta| *meta));
        step(&mut visit, event, excess);
        event.meta = done.add(visit).map(Box::new);
    }
    if measure::of(|to| serde_json::to_writer(to, event)) > ITEM {
        event.meta = None;
        event.template = None;
        let Seen { cuts, .. } = visit::event(&caps.tight(), event);
        done.cuts += cuts;
    }
    done
}

/// Makes a transaction fit that does not.
pub(super) fn transaction(caps: &Caps, transaction: &mut Transaction<'static>) -> Seen {
    let mut done = Seen::default();
    for step in OF_TRANSACTION {
        let size = measure::of(|to| serde_json::to_writer(to, transaction));
        let Some(excess) = size.checked_sub(ITEM + 1) else { return done };
        let mut visit = Visit::with_remarks(caps, transaction.meta.take().map(|meta| *meta));
        step(&mut visit, transaction, excess);
        transaction.meta = done.add(visit).map(Box::new);
    }
    if measure::of(|to| serde_json::to_writer(to, transaction)) > ITEM {
        transaction.meta = None;
        let Seen { cuts, spans, .. } = visit::transaction(&caps.tight(), transaction);
        done.cuts += cuts;
        done.spans += spans;
    }
    done
}

impl Seen {
    fn add(&mut self, visit: Visit<'_>) -> Option<Map<String, Value>> {
        let (meta, seen) = visit.finish();
        // The step itself.
        self.cuts += seen.cuts + 1;
        self.spans += seen.spans;
        meta
    }
}

fn each_stack(
    visit: &mut Visit<'_>,
    event: &mut Event<'static>,
    mut step: impl FnMut(&mut Visit<'_>, &Trail<'_>, &mut Stacktrace),
) {
    let root = Trail::ROOT;
    let mut both = |visit: &mut Visit<'_>, at: &Trail<'_>, stacks: [&mut Option<Stacktrace>; 2]| {
        for (name, stack) in ["stacktrace", "raw_stacktrace"].into_iter().zip(stacks) {
            if let Some(stack) = stack {
                step(visit, &at.name(name).name("frames"), stack);
            }
        }
    };
    let at = root.name("exception");
    let at = at.name("values");
    for (index, exception) in event.exception.iter_mut().enumerate() {
        let stacks = [&mut exception.stacktrace, &mut exception.raw_stacktrace];
        both(visit, &at.index(index), stacks);
    }
    let at = root.name("threads");
    let at = at.name("values");
    for (index, thread) in event.threads.iter_mut().enumerate() {
        both(visit, &at.index(index), [&mut thread.stacktrace, &mut thread.raw_stacktrace]);
    }
    both(visit, &root, [&mut event.stacktrace, &mut None]);
}

/// The frames that are farther than `near` from both ends.
fn each_frame(
    at: &Trail<'_>,
    stack: &mut Stacktrace,
    near: usize,
    mut step: impl FnMut(&Trail<'_>, &mut Frame),
) {
    let end = stack.frames.len().saturating_sub(near);
    for (index, frame) in stack.frames.iter_mut().enumerate().take(end).skip(near) {
        step(&at.index(index), frame);
    }
}

fn forget_details(visit: &mut Visit<'_>, at: &Trail<'_>, stack: &mut Stacktrace, near: usize) {
    each_frame(at, stack, near, |at, frame| {
        forget_vars(visit, at, frame);
        if let Some(line) = frame.context_line.take() {
            visit.notes.gone(&at.name("context_line"), line.chars().count());
        }
        for (name, lines) in
            [("pre_context", &mut frame.pre_context), ("post_context", &mut frame.post_context)]
        {
            if !lines.is_empty() {
                visit.notes.gone(&at.name(name), lines.len());
                *lines = Vec::new();
            }
        }
    });
}

fn forget_vars(visit: &mut Visit<'_>, at: &Trail<'_>, frame: &mut Frame) {
    if !frame.vars.is_empty() {
        visit.notes.gone(&at.name("vars"), frame.vars.len());
        std::mem::take(&mut frame.vars).into_values().for_each(take_apart);
    }
}

/// The oldest first.
fn breadcrumbs(visit: &mut Visit<'_>, event: &mut Event<'static>, excess: usize) {
    let (mut gone, mut gained) = (0, 0);
    for crumb in event.breadcrumbs.iter() {
        if gained > excess + REMARK {
            break;
        }
        gone += 1;
        gained += 1 + measure::of(|to| serde_json::to_writer(to, crumb));
    }
    let left = event.breadcrumbs.len() - gone;
    let root = Trail::ROOT;
    visit.keep_newest(&root.name("breadcrumbs").name("values"), &mut event.breadcrumbs, left);
}

/// The largest first.
fn largest(visit: &mut Visit<'_>, name: &str, values: &mut Map<String, Value>, excess: usize) {
    let mut sizes: Vec<_> =
        values.iter().map(|(name, value)| (measure::of_value(value), name.clone())).collect();
    sizes.sort_by(|one, other| other.cmp(one));
    let root = Trail::ROOT;
    let at = root.name(name);
    let (length, mut gained) = (values.len(), 0);
    for (size, name) in sizes {
        if gained > excess + REMARK {
            break;
        }
        gained += size + name.len();
        visit.notes.forget(&at, &name);
        values.remove(&name).into_iter().for_each(take_apart);
    }
    if values.len() < length {
        visit.notes.shortened(&at, length, values.len());
    }
}

/// Those of the application first, and what links the event to its trace never.
fn contexts(visit: &mut Visit<'_>, contexts: &mut Map<String, Context>, excess: usize) {
    let is_free = |context: &Context| !matches!(context, Context::Trace(_) | Context::Feedback(_));
    let size = |(name, context): (&String, &Context)| {
        let size = measure::of(|to| serde_json::to_writer(to, context));
        (matches!(context, Context::Other(_)), size, name.clone())
    };
    let mut sizes: Vec<_> = contexts.iter().filter(|(_, context)| is_free(context)).map(size).collect();
    sizes.sort_by(|one, other| other.cmp(one));
    let root = Trail::ROOT;
    let at = root.name("contexts");
    let (length, mut gained) = (contexts.len(), 0);
    for (_, size, name) in sizes {
        if gained > excess + REMARK {
            break;
        }
        gained += size + name.len();
        visit.notes.forget(&at, &name);
        contexts.remove(&name);
    }
    if contexts.len() < length {
        visit.notes.shortened(&at, length, contexts.len());
    }
}

fn body(visit: &mut Visit<'_>, request: Option<&mut Request>) {
    if let Some(data) = request.and_then(|request| request.data.take()) {
        let root = Trail::ROOT;
        visit.notes.gone(&root.name("request").name("data"), data.chars().count());
    }
}

fn rest_of_request(visit: &mut Visit<'_>, request: Option<&mut Request>) {
    let Some(request) = request else { return };
    let root = Trail::ROOT;
    let at = root.name("request");
    for (name, map) in [("headers", &mut request.headers), ("env", &mut request.env)] {
        if !map.is_empty() {
            visit.notes.gone(&at.name(name), map.len());
            map.clear();
        }
    }
    for (name, text) in [("cookies", &mut request.cookies), ("query_string", &mut request.query_string)] {
        if let Some(text) = text.take() {
            visit.notes.gone(&at.name(name), text.chars().count());
        }
    }
}

/// Data of spans, the largest first.
fn span_data(visit: &mut Visit<'_>, transaction: &mut Transaction<'static>, excess: usize) {
    let size = |data: &_| measure::of(|to| serde_json::to_writer(to, data));
    let mut sizes: Vec<_> = transaction.spans.iter().map(|span| size(&span.data)).enumerate().collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let root = Trail::ROOT;
    let at = root.name("spans");
    let mut gained = 0;
    for (index, size) in sizes {
        let Some(span) = transaction.spans.get_mut(index) else { continue };
        if gained > excess + REMARK || span.data.is_empty() {
            break;
        }
        gained += size.saturating_sub(REMARK);
        visit.notes.gone(&at.index(index).name("data"), span.data.len());
        std::mem::take(&mut span.data).into_values().for_each(take_apart);
    }
}

/// The last ones first.
fn spans(visit: &mut Visit<'_>, transaction: &mut Transaction<'static>, excess: usize) {
    let (mut left, mut gained) = (transaction.spans.len(), 0);
    for span in transaction.spans.iter().rev() {
        if gained > excess + REMARK {
            break;
        }
        left -= 1;
        gained += 1 + measure::of(|to| serde_json::to_writer(to, span));
    }
    visit.keep_spans(&Trail::ROOT.name("spans"), &mut transaction.spans, left);
}
