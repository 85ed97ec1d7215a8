//! Errors, messages and feedback.

use sentry_core::options::ScrubField;
use sentry_core::protocol::{Breadcrumb, Event, Exception, LogEntry, Map, TemplateInfo, Thread, User};

use super::Visit;
use crate::scrub::clean::What;
use crate::scrub::notes::Notes;
use crate::scrub::rules::{Rules, Source};
use crate::scrub::trail::Trail;

pub(super) fn scrub(rules: &Rules, event: &mut Event<'static>) {
    let root = Trail::ROOT;
    let mut visit = Visit::new(rules, Notes::of(event.meta.take().map(|meta| *meta)));
    if rules.covers(ScrubField::Messages) {
        visit.with_source(Source::Automatic, |visit| {
            visit.option(&root, "message", &mut event.message, What::Text);
            if let Some(entry) = &mut event.logentry {
                visit.log_entry(entry);
            }
            visit.option(&root, "transaction", &mut event.transaction, What::Text);
            visit.option(&root, "culprit", &mut event.culprit, What::Text);
        });
        visit.fingerprint(event);
    }
    if rules.covers(ScrubField::Exceptions) {
        visit.exceptions(&mut event.exception);
    }
    visit.threads(&mut event.threads);
    visit.stack(&root, "stacktrace", &mut event.stacktrace);
    if let Some(template) = &mut event.template {
        visit.template(template);
    }
    if rules.covers(ScrubField::Breadcrumbs) {
        visit.breadcrumbs(&mut event.breadcrumbs);
    }
    if let Some(request) = &mut event.request {
        visit.request(request);
    }
    if let Some(user) = &mut event.user {
        visit.user(user);
    }
    visit.contexts(&mut event.contexts);
    visit.tags(&root, &mut event.tags);
    if rules.covers(ScrubField::Extra) {
        visit.map(&root, "extra", &mut event.extra);
    }
    event.meta = visit.notes.into_meta().map(Box::new);
}

impl Visit<'_> {
    pub(super) fn tags(&mut self, at: &Trail<'_>, tags: &mut Map<String, String>) {
        if self.rules.covers(ScrubField::Tags) {
            self.texts(at, "tags", tags, Rules::named);
        }
    }

    pub(super) fn user(&mut self, user: &mut User) {
        if !self.rules.covers(ScrubField::Users) {
            return;
        }
        let root = Trail::ROOT;
        let at = root.name("user");
        self.option(&at, "id", &mut user.id, What::Text);
        self.option(&at, "email", &mut user.email, What::Text);
        self.option(&at, "username", &mut user.username, What::Text);
        self.fields(&at, &mut user.other);
    }

    fn log_entry(&mut self, entry: &mut LogEntry) {
        let root = Trail::ROOT;
        let at = root.name("logentry");
        self.text(&at, "message", &mut entry.message, What::Text);
        self.option(&at, "formatted", &mut entry.formatted, What::Text);
        let at = at.name("params");
        for (index, value) in entry.params.iter_mut().enumerate() {
            self.value(&at.index(index), "params", value, What::Text);
        }
    }

    fn fingerprint(&mut self, event: &mut Event<'static>) {
        let is_found = |part: &str| self.rules.clean("fingerprint", part, What::Text, self.source).is_some();
        if !event.fingerprint.iter().any(|part| part != "{{ default }}" && is_found(part)) {
            return;
        }
        let root = Trail::ROOT;
        let at = root.name("fingerprint");
        for (index, part) in event.fingerprint.to_mut().iter_mut().enumerate() {
            self.cow(&at.index(index), "fingerprint", part);
        }
    }

    fn exceptions(&mut self, exceptions: &mut [Exception]) {
        let root = Trail::ROOT;
        let at = root.name("exception");
        let at = at.name("values");
        for (index, exception) in exceptions.iter_mut().enumerate() {
            let at = at.index(index);
            // Written by whoever made the error, recorded without being asked.
            self.with_source(Source::Automatic, |visit| {
                visit.option(&at, "value", &mut exception.value, What::Text);
                if let Some(mechanism) = &mut exception.mechanism {
                    let at = at.name("mechanism");
                    visit.option(&at, "description", &mut mechanism.description, What::Text);
                    visit.map(&at, "data", &mut mechanism.data);
                }
            });
            self.stack(&at, "stacktrace", &mut exception.stacktrace);
            self.stack(&at, "raw_stacktrace", &mut exception.raw_stacktrace);
        }
    }

    fn threads(&mut self, threads: &mut [Thread]) {
        let root = Trail::ROOT;
        let at = root.name("threads");
        let at = at.name("values");
        for (index, thread) in threads.iter_mut().enumerate() {
            let at = at.index(index);
            self.option(&at, "name", &mut thread.name, What::Text);
            self.stack(&at, "stacktrace", &mut thread.stacktrace);
            self.stack(&at, "raw_stacktrace", &mut thread.raw_stacktrace);
        }
    }

    fn template(&mut self, template: &mut TemplateInfo) {
        if !self.rules.covers(ScrubField::Frames) {
            return;
        }
        let root = Trail::ROOT;
        let at = root.name("template");
        self.lines(&at, "pre_context", &mut template.pre_context);
        self.option(&at, "context_line", &mut template.context_line, What::Text);
        self.lines(&at, "post_context", &mut template.post_context);
    }

    fn breadcrumbs(&mut self, breadcrumbs: &mut [Breadcrumb]) {
        let root = Trail::ROOT;
        let at = root.name("breadcrumbs");
        let at = at.name("values");
        for (index, crumb) in breadcrumbs.iter_mut().enumerate() {
            let at = at.index(index);
            // The types that integrations leave.
            let is_automatic = matches!(&*crumb.ty, "http" | "query" | "log" | "navigation");
            let is_query = crumb.ty == "query" || crumb.category.as_deref() == Some("query");
            let source = if is_automatic { Source::Automatic } else { self.source };
            let what = if is_query { What::Sql } else { What::Text };
            self.with_source(Source::Automatic, |visit| {
                visit.option(&at, "message", &mut crumb.message, what);
            });
            self.with_source(source, |visit| visit.map(&at, "data", &mut crumb.data));
        }
    }
}
