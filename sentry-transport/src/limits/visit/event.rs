//! Errors, messages and feedback.

use sentry_core::protocol::{Breadcrumb, DebugImage, Event, LogEntry, Map, TemplateInfo};

use crate::limits::caps::Caps;
use crate::limits::names;
use crate::limits::visit::{Seen, Visit};
use crate::scrub::trail::Trail;

/// Ids, times, levels, the SDK, and their names.
const EVENT: usize = 600;
const IMAGE: usize = 250;
const BREADCRUMB: usize = 80;

/// Cuts an event down to its caps.
pub(in crate::limits) fn event(caps: &Caps, event: &mut Event<'static>) -> Seen {
    let root = Trail::ROOT;
    let mut visit = Visit::with_remarks(caps, event.meta.take().map(|meta| *meta));
    visit.count(EVENT);
    visit.option(&root, "message", &mut event.message, caps.message);
    if let Some(entry) = &mut event.logentry {
        visit.log_entry(entry);
    }
    visit.option(&root, "culprit", &mut event.culprit, caps.culprit);
    visit.option(&root, "transaction", &mut event.transaction, caps.transaction);
    visit.option(&root, "logger", &mut event.logger, caps.logger);
    names::release(&mut visit, &mut event.release);
    names::environment(&mut visit, &mut event.environment);
    names::dist(&mut visit, &mut event.dist);
    visit.cow(&root, "server_name", &mut event.server_name, caps.tag);
    visit.fingerprint(event);
    visit.exceptions(&mut event.exception);
    visit.threads(&mut event.threads);
    visit.stack(&root, "stacktrace", &mut event.stacktrace);
    if let Some(template) = &mut event.template {
        visit.template(template);
    }
    visit.tags(&root, &mut event.tags);
    visit.breadcrumbs(&mut event.breadcrumbs);
    if let Some(request) = &mut event.request {
        visit.request(request);
    }
    if let Some(user) = &mut event.user {
        visit.user(user);
    }
    visit.contexts(&mut event.contexts);
    visit.extra(&mut event.extra);
    visit.texts(&root, "modules", &mut event.modules, caps.modules);
    visit.images(&event.debug_meta.images);
    let (meta, seen) = visit.finish();
    event.meta = meta.map(Box::new);
    seen
}

impl Visit<'_> {
    fn log_entry(&mut self, entry: &mut LogEntry) {
        let caps = self.caps;
        let root = Trail::ROOT;
        let at = root.name("logentry");
        self.text(&at, "message", &mut entry.message, caps.message);
        self.option(&at, "formatted", &mut entry.formatted, caps.message);
        let mut left = caps.data.bytes;
        self.list(&at.name("params"), &mut entry.params, &mut left, caps.data.depth);
    }

    fn fingerprint(&mut self, event: &mut Event<'static>) {
        let caps = self.caps;
        let parts = &mut event.fingerprint;
        let is_long = |part: &std::borrow::Cow<'_, str>| part.len() > caps.part.chars;
        parts.iter().for_each(|part| self.count_text(part));
        if parts.len() <= caps.parts && !parts.iter().any(is_long) {
            return;
        }
        let root = Trail::ROOT;
        let at = root.name("fingerprint");
        let length = parts.len();
        if length > caps.parts {
            parts.to_mut().truncate(caps.parts);
            self.count_cut();
            self.notes.shortened(&at, length, parts.len());
        }
        for (index, part) in parts.to_mut().iter_mut().enumerate() {
            if is_long(part) {
                self.cut_to_chars(&at.index(index), part.to_mut(), caps.part.chars, caps.part.allowance);
            }
        }
    }

    fn template(&mut self, template: &mut TemplateInfo) {
        let caps = self.caps;
        let root = Trail::ROOT;
        let at = root.name("template");
        self.option(&at, "filename", &mut template.filename, caps.label);
        self.option(&at, "abs_path", &mut template.abs_path, caps.path);
        self.option(&at, "context_line", &mut template.context_line, caps.line);
        self.lines(&at, "pre_context", &mut template.pre_context, true);
        self.lines(&at, "post_context", &mut template.post_context, false);
    }

    pub(super) fn tags(&mut self, at: &Trail<'_>, tags: &mut Map<String, String>) {
        if !tags.is_empty() {
            names::tags(self, &at.name("tags"), tags);
        }
    }

    pub(super) fn extra(&mut self, extra: &mut Map<String, sentry_core::protocol::Value>) {
        if !extra.is_empty() {
            let mut left = self.caps.extra.bytes;
            let each = (self.caps.extra_item, self.caps.extra.depth);
            self.fields(&Trail::ROOT.name("extra"), extra, &mut left, each);
        }
    }

    /// The last ones are the ones right before it happened.
    fn breadcrumbs(&mut self, breadcrumbs: &mut Vec<Breadcrumb>) {
        if breadcrumbs.is_empty() {
            return;
        }
        let root = Trail::ROOT;
        let at = root.name("breadcrumbs");
        let at = at.name("values");
        self.keep_newest(&at, breadcrumbs, self.caps.breadcrumbs);
        let caps = self.caps;
        for (index, crumb) in breadcrumbs.iter_mut().enumerate() {
            let at = at.index(index);
            self.count(BREADCRUMB);
            self.text(&at, "type", &mut crumb.ty, caps.label);
            self.option(&at, "category", &mut crumb.category, caps.label);
            self.option(&at, "message", &mut crumb.message, caps.message);
            self.map(&at, "data", &mut crumb.data, caps.data);
        }
    }

    pub(in crate::limits) fn keep_newest(
        &mut self,
        at: &Trail<'_>,
        breadcrumbs: &mut Vec<Breadcrumb>,
        most: usize,
    ) {
        let length = breadcrumbs.len();
        let Some(gone) = length.checked_sub(most).filter(|gone| *gone > 0) else { return };
        breadcrumbs.drain(..gone);
        breadcrumbs.shrink_to_fit();
        self.notes.moved(at, |index| index.checked_sub(gone));
        self.count_cut();
        self.notes.shortened(at, length, most);
    }

    fn images(&mut self, images: &[DebugImage]) {
        self.count(IMAGE * images.len());
        let names = images.iter().map(|image| match image {
            DebugImage::Apple(image) => image.name.len(),
            DebugImage::Symbolic(image) => {
                image.name.len() + image.debug_file.as_ref().map_or(0, String::len)
            }
            DebugImage::Proguard(_) => 0,
            DebugImage::Wasm(image) => image.name.len() + image.code_file.len(),
        });
        self.count(names.sum());
    }
}
