//! Transactions and their spans.

use sentry_core::options::ScrubField;
use sentry_core::protocol::{Span, SpanLink, Transaction};

use super::Visit;
use crate::scrub::clean::What;
use crate::scrub::notes::Notes;
use crate::scrub::rules::{Rules, Source};
use crate::scrub::trail::Trail;

pub(super) fn scrub(rules: &Rules, transaction: &mut Transaction<'static>) {
    let root = Trail::ROOT;
    let mut visit = Visit::new(rules, Notes::of(transaction.meta.take().map(|meta| *meta)));
    if rules.covers(ScrubField::Spans) {
        visit.with_source(Source::Automatic, |visit| {
            visit.option(&root, "transaction", &mut transaction.name, What::Text);
        });
        let at = root.name("spans");
        for (index, span) in transaction.spans.iter_mut().enumerate() {
            visit.span(&at.index(index), span);
        }
    }
    if let Some(request) = &mut transaction.request {
        visit.request(request);
    }
    if let Some(user) = &mut transaction.user {
        visit.user(user);
    }
    visit.contexts(&mut transaction.contexts);
    visit.tags(&root, &mut transaction.tags);
    if rules.covers(ScrubField::Extra) {
        visit.map(&root, "extra", &mut transaction.extra);
    }
    transaction.meta = visit.notes.into_meta().map(Box::new);
}

impl Visit<'_> {
    fn span(&mut self, at: &Trail<'_>, span: &mut Span) {
        let is_automatic = span.origin.as_ref().is_some_and(|origin| origin.starts_with("auto."));
        let source = if is_automatic { Source::Automatic } else { Source::User };
        let is_query = span.op.as_ref().is_some_and(|op| op == "db" || op.starts_with("db."));
        let what = if is_query { What::Sql } else { What::Text };
        self.with_source(Source::Automatic, |visit| {
            visit.option(at, "description", &mut span.description, what);
            visit.option(at, "op", &mut span.op, What::Text);
        });
        self.with_source(source, |visit| {
            visit.map(at, "data", &mut span.data);
            visit.tags(at, &mut span.tags);
            visit.links(at, &mut span.links);
        });
    }

    /// What the application says about other spans.
    pub(super) fn links(&mut self, at: &Trail<'_>, links: &mut [SpanLink]) {
        let at = at.name("links");
        for (index, link) in links.iter_mut().enumerate() {
            self.map(&at.index(index), "attributes", &mut link.attributes);
        }
    }
}
