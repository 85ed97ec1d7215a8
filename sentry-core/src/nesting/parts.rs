//! The walk through the parts of an event or a transaction.

use std::mem;

use super::place::Place;
use super::rest::Piece;
use super::walk::{MAX_TEXTS, VALUES, Walk};
use super::{DEEPEST, apart};
use crate::protocol::{
    Breadcrumb, Context, Event, Exception, LogEntry, Map, Request, Span, Stacktrace, Transaction, Value,
};

/// Bytes of one extra, of one context, of the data of one breadcrumb and of the variables of one frame: one that is too
/// large must not take the room of the others.
const EXTRA: usize = 32 * 1024;
const CONTEXT: usize = 16 * 1024;
const DATA: usize = 8 * 1024;
/// Bytes of all breadcrumbs, and how many.
const BREADCRUMBS: usize = 2 * 1024 * 1024;
const MAX_BREADCRUMBS: usize = 1_000;
const MAX_EXCEPTIONS: usize = 200;
/// Of one stack, and of all stacks of an event.
const MAX_FRAMES: usize = 1_000;
pub(super) const FRAMES: usize = 20_000;
/// Frames at least, of each stack.
const MIN_FRAMES: usize = 20;
/// More than the thousand that are sent, or a server would be told of fewer than there were.
const MAX_SPANS: usize = 1_000;
/// Bytes of all data of spans.
const SPANS: usize = 3 * 1024 * 1024;

impl Walk {
    pub(super) fn event(&mut self, event: &mut Event<'_>) {
        let root = Place::ROOT;
        self.option(&root, "message", &mut event.message);
        event.logentry.iter_mut().for_each(|entry| self.log_entry(entry));
        self.option(&root, "culprit", &mut event.culprit);
        self.option(&root, "transaction", &mut event.transaction);
        self.extra(&mut event.extra);
        self.contexts(&mut event.contexts);
        self.texts(&root, "tags", &mut event.tags);
        self.texts(&root, "modules", &mut event.modules);
        self.breadcrumbs(&mut event.breadcrumbs);
        event.user.iter_mut().for_each(|user| {
            self.map(&root, "user", &mut user.other, VALUES);
        });
        event.request.iter_mut().for_each(|request| self.request(request));
        self.exceptions(&mut event.exception);
        let at = root.name("threads");
        let at = at.name("values");
        for (index, thread) in event.threads.iter_mut().enumerate() {
            let at = at.index(index);
            self.map(&at, "held_locks", &mut thread.held_locks, VALUES);
            self.stack(&at, "stacktrace", &mut thread.stacktrace);
            self.stack(&at, "raw_stacktrace", &mut thread.raw_stacktrace);
        }
        self.stack(&root, "stacktrace", &mut event.stacktrace);
    }

    pub(super) fn transaction(&mut self, transaction: &mut Transaction<'_>) {
        let root = Place::ROOT;
        self.option(&root, "transaction", &mut transaction.name);
        self.extra(&mut transaction.extra);
        self.contexts(&mut transaction.contexts);
        self.texts(&root, "tags", &mut transaction.tags);
        transaction.request.iter_mut().for_each(|request| self.request(request));
        let at = root.name("spans");
        if transaction.spans.len() > MAX_SPANS {
            let length = transaction.spans.len();
            let mut spans = mem::take(&mut transaction.spans).into_iter();
            transaction.spans = spans.by_ref().take(MAX_SPANS).collect();
            self.took(&at, length, Piece::Spans(spans));
        }
        self.room = SPANS;
        for (index, span) in transaction.spans.iter_mut().enumerate() {
            self.span(&at.index(index), span);
        }
    }

    fn span(&mut self, at: &Place<'_>, span: &mut Span) {
        self.option(at, "description", &mut span.description);
        if !span.data.is_empty() {
            self.within(EXTRA, |walk| walk.fields(&at.name("data"), &mut span.data));
        }
        let left = self.room;
        self.texts(at, "tags", &mut span.tags);
        self.room = left;
    }

    fn log_entry(&mut self, entry: &mut LogEntry) {
        let root = Place::ROOT;
        let at = root.name("logentry");
        self.text(&at.name("message"), &mut entry.message);
        self.option(&at, "formatted", &mut entry.formatted);
        self.room = VALUES;
        self.list(&at.name("params"), &mut entry.params, DEEPEST);
    }

    fn request(&mut self, request: &mut Request) {
        let root = Place::ROOT;
        let at = root.name("request");
        self.option(&at, "data", &mut request.data);
        self.option(&at, "query_string", &mut request.query_string);
        self.option(&at, "cookies", &mut request.cookies);
        self.texts(&at, "headers", &mut request.headers);
        self.texts(&at, "env", &mut request.env);
    }

    fn contexts(&mut self, contexts: &mut Map<String, Context>) {
        let root = Place::ROOT;
        let at = root.name("contexts");
        self.room = VALUES;
        let length = contexts.len();
        let mut kept = length;
        for (index, (name, context)) in contexts.iter_mut().enumerate() {
            if self.room == 0 || index == MAX_TEXTS {
                kept = index;
                break;
            }
            self.within(CONTEXT, |walk| walk.context(&at.name(name), context));
        }
        if kept < length {
            // What links the event to its trace stays, wherever it comes in the order of names.
            let trace = contexts.remove_entry("trace");
            let mut all = mem::take(contexts).into_iter();
            *contexts = all.by_ref().take(kept).chain(trace).collect();
            self.took(&at, length, Piece::Contexts(all));
        }
    }

    pub(super) fn context(&mut self, at: &Place<'_>, context: &mut Context) {
        match context {
            Context::Feedback(feedback) => self.text(&at.name("message"), &mut feedback.message),
            Context::Response(response) => {
                let room = self.room;
                self.texts(at, "headers", &mut response.headers);
                self.room = room;
            }
            _ => {}
        }
        apart::maps_of(context, &mut |name, values| match name {
            Some(name) => self.fields(&at.name(name), values),
            None => self.fields(at, values),
        });
    }

    /// The newest are the last.
    fn breadcrumbs(&mut self, crumbs: &mut Vec<Breadcrumb>) {
        let root = Place::ROOT;
        let at = root.name("breadcrumbs");
        let at = at.name("values");
        self.room = BREADCRUMBS;
        let length = crumbs.len();
        let mut kept = 0;
        for (index, crumb) in crumbs.iter_mut().enumerate().rev().take(MAX_BREADCRUMBS) {
            let at = at.index(index);
            self.option(&at, "message", &mut crumb.message);
            self.within(DATA, |walk| walk.fields(&at.name("data"), &mut crumb.data));
            kept += 1;
            if self.room == 0 {
                break;
            }
        }
        if kept < length {
            let mut all = mem::take(crumbs).into_iter();
            *crumbs = all.by_ref().rev().take(kept).collect();
            crumbs.reverse();
            // Where they stood is not where they stand now.
            self.rest.moved(&at.names(), length - kept);
            self.took(&at, length, Piece::Breadcrumbs(all));
        }
    }

    /// The root of all is the first of a chain, what the program saw the last.
    fn exceptions(&mut self, exceptions: &mut Vec<Exception>) {
        let root = Place::ROOT;
        let at = root.name("exception");
        let at = at.name("values");
        let length = exceptions.len();
        if length > MAX_EXCEPTIONS {
            let (kept, middle) = ends(mem::take(exceptions), MAX_EXCEPTIONS / 2);
            *exceptions = kept;
            self.took(&at, length, Piece::Exceptions(middle));
        }
        for (index, exception) in exceptions.iter_mut().enumerate() {
            let at = at.index(index);
            self.option(&at, "value", &mut exception.value);
            if let Some(mechanism) = &mut exception.mechanism {
                self.map(&at.name("mechanism"), "data", &mut mechanism.data, VALUES);
            }
            self.stack(&at, "stacktrace", &mut exception.stacktrace);
            self.stack(&at, "raw_stacktrace", &mut exception.raw_stacktrace);
        }
    }

    fn stack(&mut self, at: &Place<'_>, name: &str, stacktrace: &mut Option<Stacktrace>) {
        let Some(stacktrace) = stacktrace else { return };
        let at = at.name(name);
        let at = at.name("frames");
        let (length, most) = (stacktrace.frames.len(), self.frames.clamp(MIN_FRAMES, MAX_FRAMES));
        if length > most {
            let (kept, middle) = ends(mem::take(&mut stacktrace.frames), most / 2);
            stacktrace.frames = kept;
            self.took(&at, length, Piece::Frames(middle));
        }
        self.frames = self.frames.saturating_sub(stacktrace.frames.len());
        self.room = VALUES;
        for (index, frame) in stacktrace.frames.iter_mut().enumerate() {
            if !frame.vars.is_empty() {
                self.within(DATA, |walk| walk.fields(&at.index(index).name("vars"), &mut frame.vars));
            }
        }
    }

    fn extra(&mut self, extra: &mut Map<String, Value>) {
        if !extra.is_empty() {
            self.room = VALUES;
            self.fields_of(&Place::ROOT.name("extra"), extra, EXTRA);
        }
    }
}

/// So many elements from each end, and what is between them.
fn ends<T>(all: Vec<T>, each: usize) -> (Vec<T>, std::vec::IntoIter<T>) {
    let mut all = all.into_iter();
    let mut kept: Vec<T> = all.by_ref().take(each).collect();
    let mut last: Vec<T> = all.by_ref().rev().take(each).collect();
    last.reverse();
    kept.append(&mut last);
    (kept, all)
}
