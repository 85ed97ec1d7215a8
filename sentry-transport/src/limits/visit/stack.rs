//! Stack traces.

use sentry_core::protocol::{Frame, Stacktrace};
use sentry_core::utils::take_apart;

use crate::limits::visit::Visit;
use crate::scrub::trail::Trail;

/// Numbers, addresses and their names.
const FRAME: usize = 160;
const REGISTER: usize = 40;

impl Visit<'_> {
    pub(super) fn stack(&mut self, at: &Trail<'_>, name: &str, stacktrace: &mut Option<Stacktrace>) {
        let Some(stacktrace) = stacktrace else { return };
        let at = at.name(name);
        let frames = at.name("frames");
        self.keep_ends(&frames, stacktrace, self.caps.frames);
        while stacktrace.registers.len() > self.caps.registers {
            stacktrace.registers.pop_last();
            self.count_cut();
        }
        self.count(REGISTER * stacktrace.registers.len());
        let length = stacktrace.frames.len();
        let near = if length > self.caps.detailed { self.caps.detailed / 2 } else { length };
        for (index, frame) in stacktrace.frames.iter_mut().enumerate() {
            if (near..length - near.min(length)).contains(&index) {
                self.forget_details(&frames, index, frame);
            }
            self.frame(&frames.index(index), frame);
        }
    }

    /// The beginning of a stack says where it all started, its end where it failed; what is least is in the middle.
    pub(in crate::limits) fn keep_ends(&mut self, at: &Trail<'_>, stacktrace: &mut Stacktrace, most: usize) {
        let length = stacktrace.frames.len();
        if length <= most {
            return;
        }
        let first = most / 2;
        let gone = length - most;
        stacktrace.frames.drain(first..first + gone);
        stacktrace.frames.shrink_to_fit();
        self.notes.moved(at, |index| match index {
            _ if index < first => Some(index),
            _ => index.checked_sub(gone).filter(|moved| *moved >= first),
        });
        self.count_cut();
        self.notes.shortened(at, length, most);
    }

    /// Nobody looks at the variables in the middle of a deep stack. As servers do it: without a remark.
    fn forget_details(&mut self, frames: &Trail<'_>, index: usize, frame: &mut Frame) {
        if frame.vars.is_empty() && frame.pre_context.is_empty() && frame.post_context.is_empty() {
            return;
        }
        let at = frames.index(index);
        for name in ["vars", "pre_context", "post_context"] {
            self.notes.forget(&at, name);
        }
        std::mem::take(&mut frame.vars).into_values().for_each(take_apart);
        frame.pre_context = Vec::new();
        frame.post_context = Vec::new();
        self.count_cut();
    }

    fn frame(&mut self, at: &Trail<'_>, frame: &mut Frame) {
        let caps = self.caps;
        self.count(FRAME);
        self.option(at, "function", &mut frame.function, caps.function);
        self.option(at, "raw_function", &mut frame.raw_function, caps.function);
        self.option(at, "symbol", &mut frame.symbol, caps.function);
        self.option(at, "module", &mut frame.module, caps.path);
        self.option(at, "package", &mut frame.package, caps.path);
        self.option(at, "filename", &mut frame.filename, caps.path);
        self.option(at, "abs_path", &mut frame.abs_path, caps.path);
        self.option(at, "platform", &mut frame.platform, caps.logger);
        self.option(at, "addr_mode", &mut frame.addr_mode, caps.logger);
        self.option(at, "context_line", &mut frame.context_line, caps.line);
        self.lines(at, "pre_context", &mut frame.pre_context, true);
        self.lines(at, "post_context", &mut frame.post_context, false);
        self.map(at, "vars", &mut frame.vars, caps.data);
    }

    /// Lines around another: those next to it are kept.
    pub(super) fn lines(&mut self, at: &Trail<'_>, name: &str, lines: &mut Vec<String>, is_before: bool) {
        if lines.is_empty() {
            return;
        }
        let at = at.name(name);
        let (length, most) = (lines.len(), self.caps.lines);
        if length > most {
            let gone = length - most;
            let start = if is_before { 0 } else { most };
            lines.drain(start..start + gone);
            self.notes.moved(&at, |index| match is_before {
                true => index.checked_sub(gone),
                false => (index < most).then_some(index),
            });
            self.count_cut();
            self.notes.shortened(&at, length, most);
        }
        for (index, line) in lines.iter_mut().enumerate() {
            self.count_text(line);
            if line.len() > self.caps.line.chars {
                self.cut_to_chars(&at.index(index), line, self.caps.line.chars, self.caps.line.allowance);
            }
        }
    }
}
