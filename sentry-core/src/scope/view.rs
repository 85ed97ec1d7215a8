//! The three layers as somebody sees them who holds the hub, without a share in them.

use std::collections::BTreeMap;

use crate::protocol::{LogAttribute, User};
#[cfg(any(feature = "logs", feature = "metrics"))]
use crate::protocol::{SpanId, TraceId};
#[cfg(any(feature = "logs", feature = "metrics"))]
use crate::scope::Scope;
use crate::scope::data::Layered;
use crate::scope::{ScopeData, ScopeSnapshot};
use crate::trace::TransactionOrSpan;

/// What logs and metrics take from the scopes: a trace, a user, attributes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The most specific first; none below one that hides those.
    layers: [Option<&'a ScopeData>; 3],
    /// The span that stands in for that of the layers.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    own_span: Option<&'a TransactionOrSpan>,
}

impl<'a> View<'a> {
    #[inline]
    pub(super) fn new(layers: [Option<&'a ScopeData>; 3], own_span: Option<&'a TransactionOrSpan>) -> Self {
        let [top, middle, bottom] = layers;
        let is_opaque = |layer: Option<&ScopeData>| layer.is_some_and(|layer| layer.opaque);
        let middle = middle.filter(|_| !is_opaque(top));
        let bottom = bottom.filter(|_| !is_opaque(top) && !is_opaque(middle));
        let _ = own_span;
        Self {
            layers: [top, middle, bottom],
            #[cfg(any(feature = "logs", feature = "metrics"))]
            own_span,
        }
    }

    #[inline]
    fn layers(&self) -> impl DoubleEndedIterator<Item = &'a ScopeData> + use<'a> {
        self.layers.into_iter().flatten()
    }

    #[inline]
    fn find<T>(&self, part: impl Fn(&'a ScopeData) -> &'a Layered<T>) -> Option<&'a T> {
        self.layers().map(part).find(|value| value.is_here())?.value()
    }

    /// The trace and the span that are active.
    #[cfg(any(feature = "logs", feature = "metrics"))]
    #[inline]
    pub(crate) fn place(&self) -> (Option<TraceId>, Option<SpanId>) {
        match self.own_span.or_else(|| self.find(|layer| &layer.span)) {
            Some(span) => {
                let (trace_id, span_id) = span.trace_and_span_id();
                (Some(trace_id), Some(span_id))
            }
            None => (self.find(|layer| &layer.propagation).map(|context| context.trace_id()), None),
        }
    }

    #[inline]
    pub(crate) fn user(&self) -> Option<&'a User> {
        self.find(|layer| &layer.user).map(|user| &**user)
    }

    /// Whether any layer says something of them or of the user.
    #[inline]
    pub(crate) fn has_attributes(&self) -> bool {
        self.layers().any(|layer| layer.user.is_here() || !layer.attributes.is_empty())
    }

    /// The attributes, if there are any.
    #[inline]
    pub(crate) fn attributes(&self) -> Option<BTreeMap<&'a str, &'a LogAttribute>> {
        let mut attributes: Option<BTreeMap<_, _>> = None;
        for layer in self.layers().rev().filter(|layer| !layer.attributes.is_empty()) {
            layer.attributes.overlay(attributes.get_or_insert_default());
        }
        attributes
    }
}

#[cfg(any(feature = "logs", feature = "metrics"))]
impl Scope {
    /// As it is seen over the global scope by code that is in a span, if it is in one.
    #[inline]
    pub(crate) fn view<'a>(
        &'a self,
        global: Option<&'a ScopeData>,
        ambient: Option<&'a TransactionOrSpan>,
    ) -> View<'a> {
        View::new([self.layer.as_deref(), self.below.as_deref(), global], ambient)
    }
}

impl ScopeSnapshot {
    pub(crate) fn view(&self) -> View<'_> {
        let (layers, own_span) = self.parts();
        View::new(layers, own_span)
    }
}
