//! Exceptions and threads.

use sentry_core::protocol::{Exception, Mechanism, Thread, ThreadId, Url};

use crate::limits::caps::Most;
use crate::limits::visit::Visit;
use crate::scrub::trail::Trail;

/// Numbers and flags of an exception or a thread, and their names.
const PART: usize = 200;

impl Visit<'_> {
    pub(super) fn exceptions(&mut self, exceptions: &mut Vec<Exception>) {
        if exceptions.is_empty() {
            return;
        }
        let root = Trail::ROOT;
        let at = root.name("exception");
        let at = at.name("values");
        self.keep_causes(&at, exceptions, self.caps.exceptions);
        let caps = self.caps;
        for (index, exception) in exceptions.iter_mut().enumerate() {
            let at = at.index(index);
            self.count(PART);
            self.text(&at, "type", &mut exception.ty, caps.ty);
            self.option(&at, "value", &mut exception.value, caps.message);
            self.option(&at, "module", &mut exception.module, caps.module);
            if let Some(mechanism) = &mut exception.mechanism {
                self.mechanism(&at, mechanism);
            }
            self.thread_id(&at, "thread_id", exception.thread_id.as_mut());
            self.stack(&at, "stacktrace", &mut exception.stacktrace);
            self.stack(&at, "raw_stacktrace", &mut exception.raw_stacktrace);
        }
    }

    /// The first of a chain is the root of all, the last what the program saw.
    pub(in crate::limits) fn keep_causes(
        &mut self,
        at: &Trail<'_>,
        exceptions: &mut Vec<Exception>,
        most: usize,
    ) {
        let length = exceptions.len();
        if length <= most {
            return;
        }
        let (first, gone) = (most / 2, length - most);
        exceptions.drain(first..first + gone);
        self.notes.moved(at, |index| match index {
            _ if index < first => Some(index),
            _ => index.checked_sub(gone).filter(|moved| *moved >= first),
        });
        self.count_cut();
        self.notes.shortened(at, length, most);
    }

    fn mechanism(&mut self, at: &Trail<'_>, mechanism: &mut Mechanism) {
        let caps = self.caps;
        let at = at.name("mechanism");
        self.text(&at, "type", &mut mechanism.ty, caps.mechanism);
        self.option(&at, "description", &mut mechanism.description, caps.message);
        self.option(&at, "source", &mut mechanism.source, caps.mechanism);
        self.url(&at, "help_link", &mut mechanism.help_link, caps.ty);
        self.map(&at, "data", &mut mechanism.data, caps.data);
        let at = at.name("meta");
        let meta = &mut mechanism.meta;
        if let Some(errno) = &mut meta.errno {
            self.option(&at.name("errno"), "name", &mut errno.name, caps.mechanism);
        }
        if let Some(signal) = &mut meta.signal {
            let at = at.name("signal");
            self.option(&at, "name", &mut signal.name, caps.mechanism);
            self.option(&at, "code_name", &mut signal.code_name, caps.mechanism);
        }
        if let Some(exception) = &mut meta.mach_exception {
            self.option(&at.name("mach_exception"), "name", &mut exception.name, caps.mechanism);
        }
    }

    pub(super) fn threads(&mut self, threads: &mut Vec<Thread>) {
        if threads.is_empty() {
            return;
        }
        let root = Trail::ROOT;
        let at = root.name("threads");
        let at = at.name("values");
        let most = self.caps.threads;
        if threads.len() > most {
            self.keep_threads(&at, threads, most);
        }
        let caps = self.caps;
        for (index, thread) in threads.iter_mut().enumerate() {
            let at = at.index(index);
            self.count(PART);
            self.thread_id(&at, "id", thread.id.as_mut());
            self.option(&at, "name", &mut thread.name, caps.thread);
            self.option(&at, "state", &mut thread.state, caps.label);
            self.stack(&at, "stacktrace", &mut thread.stacktrace);
            self.stack(&at, "raw_stacktrace", &mut thread.raw_stacktrace);
            self.map(&at, "held_locks", &mut thread.held_locks, caps.data);
        }
    }

    /// The crashed thread and the current one first, then the first of the others.
    pub(in crate::limits) fn keep_threads(&mut self, at: &Trail<'_>, threads: &mut Vec<Thread>, most: usize) {
        let length = threads.len();
        let is_special = |thread: &Thread| thread.crashed || thread.current;
        let mut others = most.saturating_sub(threads.iter().filter(|thread| is_special(thread)).count());
        let (mut places, mut next) = (Vec::with_capacity(length), 0);
        threads.retain(|thread| {
            let is_kept = is_special(thread) || others > 0;
            if is_kept && !is_special(thread) {
                others -= 1;
            }
            places.push(is_kept.then_some(next));
            next += usize::from(is_kept);
            is_kept
        });
        if next == length {
            return;
        }
        threads.shrink_to_fit();
        self.notes.moved(at, |index| places.get(index).copied().flatten());
        self.count_cut();
        self.notes.shortened(at, length, next);
    }

    fn thread_id(&mut self, at: &Trail<'_>, name: &str, id: Option<&mut ThreadId>) {
        if let Some(ThreadId::String(id)) = id {
            self.text(at, name, id, self.caps.label);
        }
    }

    /// A URL that is too long would be none when it is cut anywhere.
    pub(super) fn url(&mut self, at: &Trail<'_>, name: &str, url: &mut Option<Url>, most: Most) {
        let Some(parsed) = url else { return };
        self.count_text(parsed.as_str());
        let length = parsed.as_str().len();
        if length <= most.chars + most.allowance {
            return;
        }
        parsed.set_fragment(None);
        if parsed.as_str().len() > most.chars {
            parsed.set_query(None);
        }
        if parsed.as_str().len() > most.chars {
            let _ = parsed.set_password(None).and_then(|()| parsed.set_username(""));
            parsed.set_path("/...");
        }
        let end = parsed.as_str().len();
        let at = at.name(name);
        self.count_cut();
        if end > most.chars {
            *url = None;
            self.notes.gone(&at, length);
        } else {
            self.notes.cut(&at, (end, end), length);
        }
    }
}
