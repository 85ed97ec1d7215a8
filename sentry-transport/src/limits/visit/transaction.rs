//! Transactions and their spans.

use sentry_core::protocol::{Map, Measurement, Span, SpanLink, Transaction};

use crate::limits::caps::Caps;
use crate::limits::names;
use crate::limits::visit::{Seen, Visit};
use crate::scrub::trail::Trail;

const TRANSACTION: usize = 600;
/// Ids, times and their names.
const SPAN: usize = 260;
const MEASUREMENT: usize = 80;
const LINK: usize = 160;

/// Cuts a transaction down to its caps.
pub(in crate::limits) fn transaction(caps: &Caps, transaction: &mut Transaction<'static>) -> Seen {
    let root = Trail::ROOT;
    let mut visit = Visit::with_remarks(caps, transaction.meta.take().map(|meta| *meta));
    visit.count(TRANSACTION);
    visit.option(&root, "transaction", &mut transaction.name, caps.transaction);
    names::release(&mut visit, &mut transaction.release);
    names::environment(&mut visit, &mut transaction.environment);
    names::dist(&mut visit, &mut transaction.dist);
    visit.cow(&root, "server_name", &mut transaction.server_name, caps.tag);
    visit.spans(&mut transaction.spans);
    visit.measurements(&root, &mut transaction.measurements);
    visit.tags(&root, &mut transaction.tags);
    if let Some(request) = &mut transaction.request {
        visit.request(request);
    }
    if let Some(user) = &mut transaction.user {
        visit.user(user);
    }
    visit.contexts(&mut transaction.contexts);
    visit.extra(&mut transaction.extra);
    let (meta, seen) = visit.finish();
    transaction.meta = meta.map(Box::new);
    seen
}

impl Visit<'_> {
    fn spans(&mut self, spans: &mut Vec<Span>) {
        let root = Trail::ROOT;
        let at = root.name("spans");
        let (start, most) = (self.bytes, self.caps.spans_bytes);
        let mut kept = spans.len().min(self.caps.spans);
        for (index, span) in spans.iter_mut().take(kept).enumerate() {
            let before = (self.bytes, self.plain);
            self.span(&at.index(index), span);
            if self.bytes - start > most {
                (self.bytes, self.plain) = before;
                kept = index;
                break;
            }
        }
        self.keep_spans(&at, spans, kept);
    }

    /// They are in the order in which they began: what is left out is the end.
    pub(in crate::limits) fn keep_spans(&mut self, at: &Trail<'_>, spans: &mut Vec<Span>, most: usize) {
        let length = spans.len();
        if length <= most {
            return;
        }
        spans.truncate(most);
        spans.shrink_to_fit();
        self.spans += length - most;
        self.notes.moved(at, |index| (index < most).then_some(index));
        self.count_cut();
        self.notes.shortened(at, length, most);
    }

    fn span(&mut self, at: &Trail<'_>, span: &mut Span) {
        let caps = self.caps;
        self.count_plain(SPAN);
        self.option(at, "op", &mut span.op, caps.label);
        self.option(at, "description", &mut span.description, caps.description);
        self.option(at, "origin", &mut span.origin, caps.label);
        self.tags(at, &mut span.tags);
        self.map(at, "data", &mut span.data, caps.span);
        self.measurements(at, &mut span.measurements);
        self.links(at, &mut span.links);
    }

    /// Their attributes share a budget.
    pub(super) fn links(&mut self, at: &Trail<'_>, links: &mut Vec<SpanLink>) {
        if links.is_empty() {
            return;
        }
        let (caps, at) = (self.caps, at.name("links"));
        if links.len() > caps.links {
            let length = links.len();
            links.truncate(caps.links);
            self.count_cut();
            self.notes.shortened(&at, length, links.len());
        }
        self.count(LINK * links.len());
        let (mut left, each) = (caps.span.bytes, (caps.span.bytes, caps.span.depth));
        for (index, link) in links.iter_mut().enumerate().filter(|(_, link)| !link.attributes.is_empty()) {
            self.fields(&at.index(index).name("attributes"), &mut link.attributes, &mut left, each);
        }
    }

    fn measurements(&mut self, at: &Trail<'_>, measurements: &mut Map<String, Measurement>) {
        if measurements.is_empty() {
            return;
        }
        let length = measurements.len();
        let is_long = |(name, measurement): (&String, &Measurement)| {
            let unit = measurement.unit.as_ref().map_or(0, |unit| unit.as_str().len());
            name.len().max(unit) > MEASUREMENT
        };
        if length > self.caps.measurements || measurements.iter().any(is_long) {
            let mut left = self.caps.measurements;
            measurements.retain(|name, measurement| {
                let is_kept = left > 0 && !is_long((name, measurement));
                left -= usize::from(is_kept);
                is_kept
            });
            self.count_cut();
            self.notes.shortened(&at.name("measurements"), length, measurements.len());
        }
        self.count(3 * MEASUREMENT * measurements.len());
    }
}
