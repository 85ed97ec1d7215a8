//! Stack traces: variables and source lines. Names of functions and files are those of the program.

use sentry_core::options::ScrubField;
use sentry_core::protocol::Stacktrace;

use super::Visit;
use crate::scrub::clean::What;
use crate::scrub::rules::Source;
use crate::scrub::trail::Trail;

impl Visit<'_> {
    pub(super) fn stack(&mut self, at: &Trail<'_>, name: &str, stacktrace: &mut Option<Stacktrace>) {
        let Some(stacktrace) = stacktrace else { return };
        if !self.rules.covers(ScrubField::Frames) {
            return;
        }
        let at = at.name(name);
        let frames = at.name("frames");
        self.with_source(Source::Automatic, |visit| {
            for (index, frame) in stacktrace.frames.iter_mut().enumerate() {
                let at = frames.index(index);
                visit.map(&at, "vars", &mut frame.vars);
                visit.lines(&at, "pre_context", &mut frame.pre_context);
                visit.option(&at, "context_line", &mut frame.context_line, What::Text);
                visit.lines(&at, "post_context", &mut frame.post_context);
            }
        });
    }
}
