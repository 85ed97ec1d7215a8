//! The three layers as they were at a capture.

use std::sync::Arc;

#[cfg(any(feature = "logs", feature = "metrics"))]
use crate::protocol::SpanId;
use crate::protocol::{Attachment, Context, FileAttachment, Level, PutAway, StoredAttachment, TraceId, User};
use crate::scope::data::{Layered, Processor};
use crate::scope::map::Entry;
use crate::scope::{ScopeData, Served, global};
use crate::session::Session;
use crate::trace::{self, TracePropagationContext, TransactionOrSpan};

/// The scopes that apply to one captured item: three shared layers, frozen at the capture.
#[derive(Clone, Debug, Default)]
pub struct ScopeSnapshot {
    global: Option<Arc<ScopeData>>,
    isolation: Option<Arc<ScopeData>>,
    current: Option<Arc<ScopeData>>,
    /// A finished transaction refers to itself, whatever span the scopes are bound to.
    own_span: Option<Arc<TransactionOrSpan>>,
    /// Attachments of the layers whose bytes were put away while this waits.
    stored: Option<Arc<[StoredAttachment]>>,
}

impl ScopeSnapshot {
    #[inline]
    pub(super) fn new(
        isolation: Option<Arc<ScopeData>>,
        current: Option<Arc<ScopeData>>,
        own_span: Option<Arc<TransactionOrSpan>>,
    ) -> Self {
        Self { global: global::layer(), isolation, current, own_span, stored: None }
    }

    /// The same scopes for an item that belongs to `span`.
    pub(crate) fn with_span(self, span: TransactionOrSpan) -> Self {
        Self { own_span: Some(Arc::new(span)), ..self }
    }

    /// The same scopes without the spans that they are bound to, for a span: it must not keep the one above it, which keeps the
    /// one above that.
    pub(crate) fn without_span(mut self) -> Self {
        self.own_span = None;
        let layers = [&mut self.current, &mut self.isolation, &mut self.global];
        for layer in layers.into_iter().flatten().filter(|layer| layer.span.is_here()) {
            Arc::make_mut(layer).span = Layered::Inherited;
        }
        self
    }

    /// The same scopes for code that is in a span, if it is.
    #[inline]
    pub(crate) fn within(mut self, ambient: Option<Arc<TransactionOrSpan>>) -> Self {
        if ambient.is_some() {
            self.own_span = ambient;
        }
        self
    }

    /// All layers, most specific first, and the span that stands in for theirs.
    pub(super) fn parts(&self) -> ([Option<&ScopeData>; 3], Option<&TransactionOrSpan>) {
        let layers = [self.current.as_deref(), self.isolation.as_deref(), self.global.as_deref()];
        (layers, self.own_span.as_deref())
    }

    /// The layers that show, most specific first.
    pub(super) fn layers(&self) -> impl Iterator<Item = &ScopeData> {
        let mut hidden = false;
        [&self.current, &self.isolation, &self.global]
            .into_iter()
            .filter_map(|layer| layer.as_deref())
            .take_while(move |layer| {
                let shows = !hidden;
                hidden |= layer.opaque;
                shows
            })
    }

    fn find<'a, T: 'a>(&'a self, part: impl Fn(&'a ScopeData) -> &'a Layered<T>) -> Option<&'a T> {
        self.layers().map(part).find(|value| value.is_here())?.value()
    }

    pub(crate) fn level(&self) -> Option<Level> {
        self.find(|layer| &layer.level).copied()
    }

    pub(crate) fn user(&self) -> Option<&User> {
        self.find(|layer| &layer.user).map(|user| &**user)
    }

    pub(crate) fn transaction(&self) -> Option<&str> {
        self.find(|layer| &layer.transaction).map(|name| &**name)
    }

    pub(crate) fn fingerprint(&self) -> Option<&[std::borrow::Cow<'static, str>]> {
        self.find(|layer| &layer.fingerprint).map(|parts| &**parts)
    }

    /// The span that was active.
    #[must_use]
    pub fn span(&self) -> Option<&TransactionOrSpan> {
        self.own_span.as_deref().or_else(|| self.find(|layer| &layer.span))
    }

    /// The trace the scope belongs to when no span is active.
    #[must_use]
    pub fn propagation_context(&self) -> Option<&TracePropagationContext> {
        self.find(|layer| &layer.propagation).map(|context| &**context)
    }

    /// The request that was being served.
    pub(super) fn request(&self) -> Option<&Served> {
        self.find(|layer| &layer.request)
    }

    /// The session it falls into.
    pub(crate) fn session(&self) -> Option<&Arc<Session>> {
        self.find(|layer| &layer.session)
    }

    /// The replay of the user's session: that of the context `replay`, else the one that the trace came with.
    pub(crate) fn replay_id(&self) -> Option<&str> {
        let mut contexts = self.layers().map(|layer| &layer.contexts);
        let own = contexts.find(|contexts| contexts.entry("replay") != Entry::Absent);
        match own.and_then(|contexts| contexts.get("replay")) {
            Some(Context::Other(replay)) => replay.get("replay_id")?.as_str(),
            _ => trace::incoming_replay(self),
        }
    }

    /// The trace that was active.
    pub(crate) fn trace_id(&self) -> Option<TraceId> {
        match self.span() {
            Some(span) => Some(span.trace_and_span_id().0),
            None => self.propagation_context().map(TracePropagationContext::trace_id),
        }
    }

    /// The span that was active.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    pub(crate) fn span_id(&self) -> Option<SpanId> {
        self.span().map(|span| span.trace_and_span_id().1)
    }

    /// Whether an event captured with it must be completed on the capturing thread.
    pub(crate) fn has_processors(&self) -> bool {
        self.layers().any(|layer| layer.processors.is_some())
    }

    /// The event processors in the order they run: global, isolation, current.
    pub(crate) fn processors(&self) -> Vec<Processor> {
        let mut layers: Vec<_> = self.layers().collect();
        layers.reverse();
        layers
            .into_iter()
            .flat_map(|layer| layer.processors.iter().flat_map(|list| list.iter()))
            .cloned()
            .collect()
    }

    /// The attachments, those of the lower layers first.
    #[must_use]
    pub fn attachments(&self) -> Vec<Attachment> {
        self.shared_attachments().map(|attachment| Attachment::clone(attachment)).collect()
    }

    /// The same, without a copy of their bytes.
    pub(crate) fn shared_attachments(&self) -> impl Iterator<Item = &Arc<Attachment>> {
        let lists = self.attaching().into_iter().rev().filter_map(|layer| layer.attachments.as_deref());
        lists.flatten()
    }

    /// Those that go with transactions too.
    pub(crate) fn traced_attachments(&self) -> impl Iterator<Item = &Arc<Attachment>> {
        let lists = self.attaching().into_iter().rev().filter_map(|layer| layer.traced.as_deref());
        lists.flatten()
    }

    /// Whether there are bytes of attachments in memory.
    pub(crate) fn has_attachments(&self) -> bool {
        self.layers().any(|layer| layer.attachments.is_some())
    }

    /// The attachments whose bytes were put away.
    pub(crate) fn stored(&self) -> &[StoredAttachment] {
        self.stored.as_deref().unwrap_or_default()
    }

    /// Asks for each attachment in memory that goes with the item whether its bytes are to be put away, and lets go of the
    /// others. The scopes themselves keep theirs.
    pub(crate) fn put_away(
        &mut self,
        is_transaction: bool,
        mut put: impl FnMut(&Arc<Attachment>) -> PutAway,
    ) {
        let mut stored = self.stored().to_vec();
        for layer in [&mut self.current, &mut self.isolation, &mut self.global] {
            let Some(data) = layer else { continue };
            let hides = data.opaque || data.attachments_opaque;
            let list = if is_transaction { &data.traced } else { &data.attachments };
            let mut kept = Vec::new();
            for attachment in list.iter().flat_map(|list| list.iter()) {
                match put(attachment) {
                    PutAway::Kept => kept.push(Arc::clone(attachment)),
                    PutAway::Moved(bytes) => stored.push(StoredAttachment::new(attachment, bytes)),
                    PutAway::GivenUp => {}
                }
            }
            if kept.len() < data.attachments.as_ref().map_or(0, |list| list.len()) {
                let mut rest = ScopeData::clone(data);
                rest.attachments = (!kept.is_empty()).then(|| Arc::new(kept));
                rest.traced = if is_transaction { rest.attachments.clone() } else { None };
                *data = Arc::new(rest);
            }
            if hides {
                break;
            }
        }
        self.stored = (!stored.is_empty()).then(|| stored.into());
    }

    /// The attachments that are read when they are sent.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<FileAttachment>> {
        let lists = self.attaching().into_iter().rev().filter_map(|layer| layer.files.as_deref());
        lists.flatten()
    }

    /// The layers whose attachments count, most specific first.
    fn attaching(&self) -> Vec<&ScopeData> {
        let mut layers = Vec::new();
        for layer in self.layers() {
            layers.push(layer);
            if layer.attachments_opaque {
                break;
            }
        }
        layers
    }
}
