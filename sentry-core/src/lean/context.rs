//! The contexts of an event.

use crate::lean::known::{Share, Sharing};
use crate::protocol::{Context, Map, SpanId, TraceContext, TraceId, Value};
use crate::size::{self, Estimate, chunk};

/// A context and its name.
pub(super) type NamedContext = (String, Context);

#[derive(Clone, Debug)]
pub(super) enum LeanContext {
    /// One of the machine or of the program, hence the same in most events.
    Shared(Share<NamedContext>),
    /// A custom one.
    Custom(Box<Custom>),
    /// Anything else.
    Own(Box<NamedContext>),
}

/// A context `trace` of nothing but ids, which most events have.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    trace_id: TraceId,
    span_id: SpanId,
    parent_span_id: Option<SpanId>,
}

#[derive(Clone, Debug)]
pub(super) struct Custom {
    name: Box<str>,
    fields: Box<[(Box<str>, Value)]>,
}

impl Trace {
    /// # Errors
    /// The context as it was, if it is another one or says more.
    pub(super) fn new(named: NamedContext) -> Result<Self, NamedContext> {
        match named {
            (name, Context::Trace(trace)) if name == "trace" && has_only_ids(&trace) => {
                let TraceContext { trace_id, span_id, parent_span_id, .. } = *trace;
                Ok(Self { trace_id, span_id, parent_span_id })
            }
            named => Err(named),
        }
    }

    pub(super) fn into_named(self) -> NamedContext {
        let Self { trace_id, span_id, parent_span_id } = self;
        let trace = TraceContext { parent_span_id, ..TraceContext::of_ids(trace_id, span_id) };
        ("trace".to_owned(), trace.into())
    }
}

impl LeanContext {
    pub(super) fn new((name, context): NamedContext, sharing: &mut Sharing<'_>) -> Self {
        match context {
            Context::App(_)
            | Context::Browser(_)
            | Context::Culture(_)
            | Context::Device(_)
            | Context::Gpu(_)
            | Context::Os(_)
            | Context::Runtime(_) => Self::Shared(sharing.context((name, context))),
            Context::Other(fields) => {
                Self::Custom(Box::new(Custom { name: name.into(), fields: slice(fields) }))
            }
            context => Self::Own(Box::new((name, context))),
        }
    }

    pub(super) fn into_named(self) -> NamedContext {
        match self {
            Self::Shared(named) => named.into_inner(),
            Self::Custom(custom) => (custom.name.into(), Context::Other(map(custom.fields))),
            Self::Own(named) => *named,
        }
    }

    /// The bytes it holds beside itself.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Shared(named) => named.size(inner_size),
            Self::Custom(custom) => {
                chunk(size_of::<Custom>()) + chunk(custom.name.len()) + slice_size(&custom.fields)
            }
            Self::Own(named) => chunk(size_of::<NamedContext>()) + inner_size(named),
        }
    }
}

fn inner_size((name, context): &NamedContext) -> usize {
    chunk(name.len()) + Estimate::default().of_context(context)
}

fn has_only_ids(trace: &TraceContext) -> bool {
    let TraceContext {
        span_id: _,
        trace_id: _,
        parent_span_id: _,
        op,
        description,
        status,
        origin,
        data,
        sampled,
        client_sample_rate,
        links,
    } = trace;
    let has_no_texts = op.is_none() && description.is_none() && origin.is_none();
    let is_undecided = status.is_none() && sampled.is_none() && client_sample_rate.is_none();
    has_no_texts && is_undecided && data.is_empty() && links.is_empty()
}

/// A map as a slice.
pub(super) fn slice(map: Map<String, Value>) -> Box<[(Box<str>, Value)]> {
    map.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

pub(super) fn map(slice: Box<[(Box<str>, Value)]>) -> Map<String, Value> {
    slice.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

pub(super) fn slice_size(slice: &[(Box<str>, Value)]) -> usize {
    let mut estimate = Estimate::default();
    let of_one = |(key, value): &(Box<str>, Value)| chunk(key.len()) + estimate.of(value);
    chunk(size_of_val(slice)) + size::sum_of_first(slice.iter(), of_one)
}
