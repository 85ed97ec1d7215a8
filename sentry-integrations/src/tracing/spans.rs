//! From a span of `tracing` to one of ours.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use sentry_core::__spans::{Constants, Knows, Outlook};
use sentry_core::options::DataCollection;
use sentry_core::protocol::{Map, SpanStatus, TraceId, Url, Value};
use sentry_core::{Hub, TracesSamplingStrategy, TransactionContext, TransactionOrSpan};
use tracing_core::field::Visit;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Field, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fields::Fields;
use super::followed::{Followed, Slot};
use super::home::Home;
use super::query;

/// What made the spans.
const ORIGIN: &str = "auto.tracing";

/// The fields of a span, kept for the events in it.
pub(super) struct SpanFields(pub(super) Map<String, Value>);

/// A new span: ours begins with it, if it is sampled.
pub(super) fn begin<S>(home: &Home, attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let slot = Slot::of(id);
    // Another layer of ours has left it out already.
    if slot.root(id, home.number()).is_some() {
        return;
    }
    let metadata = attributes.metadata();
    let mut trace = None;
    // Most spans of a service that samples few traces end here.
    if attributes.is_contextual() && !slot.may_be_followed() && !asks(metadata) {
        // One that was entered on another thread only is not known to the hub.
        let place = || if is_below(home, id, context) { None } else { slot.take(id, home.number()) };
        match Hub::begin_root(place, (metadata.target(), metadata.name())) {
            Outlook::Nothing | Outlook::Unsampled => return,
            Outlook::Kept(kept) => trace = Some(kept),
            Outlook::Look => {}
        }
    }
    Hub::with_active(|hub| follow(hub, home, attributes, id, context, trace));
}

/// Whether a new span is below one that is known.
#[inline]
fn is_below<S>(home: &Home, id: &Id, context: &Context<'_, S>) -> bool
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let is_known = || context.span(id).is_some_and(|span| above(&span, home).is_some());
    context.current_span().id().is_some() && is_known()
}

/// `trace`: that of a root which is sampled.
#[inline(never)]
fn follow<S>(
    hub: &Arc<Hub>,
    home: &Home,
    attributes: &Attributes<'_>,
    id: &Id,
    context: &Context<'_, S>,
    trace: Option<TraceId>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let slot = Slot::of(id);
    // Another layer of ours may follow it already.
    if slot.may_be_followed() && span.extensions().get::<Followed>().is_some() {
        return;
    }
    let above = if attributes.is_root() || trace.is_some() {
        None
    } else {
        let explicit = if attributes.is_contextual() { None } else { above(&span, home) };
        // The code is in the contextual parent; the hub knows whether the application has bound another span since.
        explicit.or_else(|| hub.active_span().map(Above::Span)).or_else(|| {
            let above = above(&span, home);
            above.filter(|above| !above.is_sampled())
        })
    };
    let ours = match above {
        Some(Above::Span(above)) if above.is_sampled() => {
            let metadata = attributes.metadata();
            let fields = visited(attributes);
            let child: TransactionOrSpan = if fields.is_dotted {
                let label = Label::new(metadata, &fields);
                above.start_child(&label.op, &label.name).into()
            } else {
                with_default_op(metadata, |op| above.start_child(op, metadata.name())).into()
            };
            fill(&child, metadata, fields);
            child
        }
        Some(_) => return,
        None => {
            let Some(root) = root(hub, attributes, trace) else { return };
            root
        }
    };
    span.extensions_mut().insert(Followed::new(slot, ours));
}

/// What a span is below.
enum Above {
    Span(Arc<TransactionOrSpan>),
    /// A root that is not recorded.
    Unsampled,
}

impl Above {
    fn is_sampled(&self) -> bool {
        match self {
            Self::Span(span) => span.is_sampled(),
            Self::Unsampled => false,
        }
    }
}

/// The closest one above `span` that is known.
fn above<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>, home: &Home) -> Option<Above> {
    std::iter::successors(span.parent(), SpanRef::parent).find_map(|above| {
        let id = above.id();
        match Slot::of(&id).root(&id, home.number()) {
            Some(_) => Some(Above::Unsampled),
            None => followed(&above).map(Above::Span),
        }
    })
}

/// A span with nothing above it is a transaction; `None` while tracing is off.
fn root(hub: &Arc<Hub>, attributes: &Attributes<'_>, trace: Option<TraceId>) -> Option<TransactionOrSpan> {
    let client = hub.client().filter(|client| client.is_enabled())?;
    if matches!(client.options().effective_traces_sampling(), TracesSamplingStrategy::Disabled) {
        return None;
    }
    let metadata = attributes.metadata();
    // The sampler wants to know these; nothing else is looked at before it has decided.
    let mut asked = Asked::default();
    if asks(metadata) {
        attributes.record(&mut asked);
    }
    let name = asked.name.as_deref().unwrap_or_else(|| metadata.name());
    let op = asked.op.unwrap_or_else(|| default_op(metadata));
    let context = match (&asked.trace, trace) {
        (Some(trace), _) => {
            TransactionContext::continue_from_headers(name, &op, [("sentry-trace", trace.as_str())])
        }
        (None, Some(trace)) => TransactionContext::new_with_trace_id(name, &op, trace),
        (None, None) if attributes.is_root() => TransactionContext::new(name, &op),
        // A layer above may have continued the trace of a request.
        (None, None) => hub.transaction_context(name, &op),
    };
    let transaction = hub.start_transaction(context);
    if transaction.is_sampled() {
        let fields = visited(attributes);
        // Without a dot in its fields it is called what it was asked for.
        if fields.is_dotted {
            let label = Label::new(metadata, &fields);
            transaction.set_op(&label.op);
            transaction.set_name(&label.name);
        }
        let ours = transaction.into();
        fill(&ours, metadata, fields);
        return Some(ours);
    }
    Some(transaction.into())
}

/// Fields that are recorded later.
pub(super) fn record<S>(id: &Id, values: &Record<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(ours) = find(id, context).filter(|ours| ours.is_sampled()) else { return };
    let mut fields = Fields::default();
    values.record(&mut fields);
    let text = |name: &str| fields.values.get(name).and_then(Value::as_str);
    if let Some(name) = text("sentry.name").or_else(|| text("otel.name")) {
        ours.set_name(name);
    }
    if let Some(op) = text("sentry.op") {
        ours.set_op(op);
    }
    add(&ours, fields);
}

/// The code of this thread is in the span.
#[inline]
pub(super) fn enter<S>(home: &Home, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(root) = Slot::of(id).root(id, home.number()) {
        Hub::enter_root(id.into_u64(), root);
    } else if let Some(ours) = find(id, context) {
        Hub::enter_span(id.into_u64(), &ours);
    }
}

/// It has left it.
#[inline]
pub(super) fn exit(id: &Id) {
    Hub::exit_span(id.into_u64());
}

/// The span is over.
#[inline]
pub(super) fn end<S>(home: &Home, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let slot = Slot::of(id);
    if let Some(root) = slot.root(id, home.number()) {
        return root.leave();
    }
    if slot.may_be_followed() {
        finish(id, context);
    }
}

#[inline(never)]
fn finish<S>(id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let followed = span.extensions_mut().remove::<Followed>();
    if let Some(Followed { ours, .. }) = followed {
        // To be the only one who has it makes it easier.
        Arc::unwrap_or_clone(ours).finish();
    }
}

/// Keeps the fields of a span for the events in it.
pub(super) fn keep_fields<S>(attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let mut extensions = span.extensions_mut();
    if extensions.get_mut::<SpanFields>().is_none() {
        extensions.insert(SpanFields(visited(attributes).values));
    }
}

/// Keeps what is recorded later as well.
pub(super) fn keep_record<S>(id: &Id, values: &Record<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    let mut extensions = span.extensions_mut();
    if let Some(SpanFields(kept)) = extensions.get_mut() {
        let mut fields = Fields::default();
        values.record(&mut fields);
        kept.append(&mut fields.values);
    }
}

/// Ours for the span with this id.
fn find<S>(id: &Id, context: &Context<'_, S>) -> Option<Arc<TransactionOrSpan>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if Slot::of(id).may_be_followed() { followed(&context.span(id)?) } else { None }
}

fn followed<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Arc<TransactionOrSpan>> {
    span.extensions().get::<Followed>().map(|followed| Arc::clone(&followed.ours))
}

fn visited(attributes: &Attributes<'_>) -> Fields {
    let mut fields = Fields::default();
    attributes.record(&mut fields);
    fields
}

thread_local! {
    static OP: Cell<String> = const { Cell::new(String::new()) };
}

/// Calls `call` with the default operation, which is written to where the one before was.
fn with_default_op<R>(metadata: &Metadata<'_>, call: impl FnOnce(&str) -> R) -> R {
    let mut op = OP.try_with(Cell::take).unwrap_or_default();
    op.clear();
    [metadata.target(), "::", metadata.name()].into_iter().for_each(|part| op.push_str(part));
    let result = call(&op);
    let _ = OP.try_with(|slot| slot.set(op));
    result
}

fn default_op(metadata: &Metadata<'_>) -> String {
    [metadata.target(), "::", metadata.name()].concat()
}

/// What a span is called.
struct Label<'a> {
    name: Cow<'a, str>,
    op: Cow<'a, str>,
}

impl<'a> Label<'a> {
    /// As its fields say: ours, then those that other instrumentation uses.
    fn new(metadata: &Metadata<'a>, fields: &'a Fields) -> Self {
        if !fields.is_dotted {
            return Self { name: Cow::Borrowed(metadata.name()), op: Cow::Owned(default_op(metadata)) };
        }
        let text = |name: &str| fields.values.get(name).and_then(Value::as_str);
        let query = QUERIES.into_iter().find_map(text);
        let method = ["http.request.method", "http.method"].into_iter().find_map(text);
        let target =
            ["http.route", "url.path", "http.target", "http.url", "url.full"].into_iter().find_map(text);
        let is_client = text("otel.kind").is_some_and(|kind| kind.eq_ignore_ascii_case("client"));
        let known = match (text("db.system").or_else(|| text("db.system.name")), method) {
            (Some(_), _) => Some(("db", query.map(query::parametrized))),
            (None, Some(method)) => {
                let op = if is_client { "http.client" } else { "http.server" };
                // The query of a URL holds values, which make a name of its own of each.
                let path = |target: &str| target.split(['?', '#']).next().unwrap_or_default().to_owned();
                Some((op, target.map(|target| format!("{method} {}", path(target)))))
            }
            (None, None) => None,
        };
        let (known_op, known_name) = known.map_or((None, None), |(op, name)| (Some(op), name));
        let own_name = text("sentry.name").or_else(|| text("otel.name")).map(Cow::Borrowed);
        Self {
            name: own_name
                .or_else(|| known_name.map(Cow::Owned))
                .unwrap_or_else(|| Cow::Borrowed(metadata.name())),
            op: text("sentry.op")
                .or(known_op)
                .map_or_else(|| Cow::Owned(default_op(metadata)), Cow::Borrowed),
        }
    }
}

/// Sets all that a new span knows.
fn fill(ours: &TransactionOrSpan, metadata: &'static Metadata<'static>, fields: Fields) {
    ours.set_origin(ORIGIN);
    let constants = Constants::new(metadata, tell);
    match ours {
        TransactionOrSpan::Span(span) => span.set_constants(constants),
        TransactionOrSpan::Transaction(transaction) => transaction.set_constants(constants),
    }
    if !fields.is_empty() {
        add(ours, fields);
    }
}

/// What the metadata of a span says, which is the same for all spans of its kind.
fn tell(metadata: Knows, to: &mut dyn FnMut(&'static str, Value)) {
    let Some(metadata) = metadata.downcast_ref::<Metadata<'static>>() else { return };
    to("sentry.tracing.target", metadata.target().into());
    let parts = [
        ("code.module.name", metadata.module_path().map(Value::from)),
        ("code.file.path", metadata.file().map(Value::from)),
        ("code.line.number", metadata.line().map(Value::from)),
    ];
    parts.into_iter().for_each(|(name, value)| _ = value.map(|value| to(name, value)));
}

fn add(ours: &TransactionOrSpan, fields: Fields) {
    let mut values = fields.values;
    if fields.is_dotted {
        understand(ours, &mut values);
    }
    if let Some(message) = fields.message {
        values.insert("message".to_owned(), message.into());
    }
    match ours {
        TransactionOrSpan::Span(span) => {
            let mut data = span.data();
            if data.is_empty() {
                *data = values;
            } else {
                data.extend(values);
            }
        }
        TransactionOrSpan::Transaction(transaction) => {
            let mut data = transaction.data();
            values.into_iter().for_each(|(key, value)| data.set_data(key.into(), value));
        }
    }
    for (key, value) in fields.tags {
        ours.set_tag(&key, value);
    }
}

/// Takes what has a meaning out of the values, and from them what may not be written down.
fn understand(ours: &TransactionOrSpan, values: &mut Map<String, Value>) {
    if let Some(status) = CODES.into_iter().find_map(|name| code(values.get(name)?)) {
        values.entry("http.response.status_code".to_owned()).or_insert_with(|| status.into());
        if let Some(status) = status_of(status) {
            ours.set_status(status);
        }
    }
    let is_error = |value: &Value| value.as_str().is_some_and(|code| code.eq_ignore_ascii_case("error"));
    if values.get("otel.status_code").is_some_and(is_error) {
        ours.set_status(SpanStatus::UnknownError);
    }
    for name in ASKED {
        values.remove(name);
    }
    for name in QUERIES {
        if let Some(Value::String(text)) = values.get_mut(name) {
            *text = query::parametrized(text);
        }
    }
    for name in URLS {
        if let Some(Value::String(text)) = values.get_mut(name)
            && text.contains(['?', '#', '@'])
        {
            *text = shown_url(text);
        }
    }
}

/// A URL, or a path with a query, as far as it may be written down.
fn shown_url(url: &str) -> String {
    let client = Hub::current().client();
    let collection = client
        .as_ref()
        .map_or_else(|| Cow::Owned(DataCollection::without_pii()), |client| client.options().collection());
    if let Ok(url) = Url::parse(url) {
        return collection.url(url).into();
    }
    let url = url.split('#').next().unwrap_or_default();
    match url.split_once('?') {
        Some((path, query)) => match collection.query(query) {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        },
        None => url.to_owned(),
    }
}

/// Fields with a URL or a part of one.
const URLS: [&str; 3] = ["http.url", "url.full", "http.target"];
/// Fields with the text of a query.
const QUERIES: [&str; 2] = ["db.query.text", "db.statement"];
/// Fields with the status of an answer.
const CODES: [&str; 2] = ["http.response.status_code", "http.status_code"];

/// A status, which instrumentation records as a number or as a text.
fn code(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => text.split(' ').next()?.parse().ok(),
        value => value.as_u64()?.try_into().ok(),
    }
}

/// What the code of an answer says of the work. Nothing if it is none.
fn status_of(code: u16) -> Option<SpanStatus> {
    Some(match code {
        100..400 => SpanStatus::Ok,
        401 => SpanStatus::Unauthenticated,
        403 => SpanStatus::PermissionDenied,
        404 => SpanStatus::NotFound,
        409 => SpanStatus::AlreadyExists,
        429 => SpanStatus::ResourceExhausted,
        400..500 => SpanStatus::InvalidArgument,
        501 => SpanStatus::Unimplemented,
        503 => SpanStatus::Unavailable,
        504 => SpanStatus::DeadlineExceeded,
        500..600 => SpanStatus::InternalError,
        _ => return None,
    })
}

/// Fields that are needed before sampling is decided. They say what a span is, and are no data of it.
const ASKED: [&str; 3] = ["sentry.name", "sentry.op", "sentry.trace"];

/// Whether a span may have such fields.
#[inline]
fn asks(metadata: &Metadata<'_>) -> bool {
    metadata.fields().iter().any(|field| field.name().starts_with("sentry."))
}

#[derive(Default)]
struct Asked {
    name: Option<String>,
    op: Option<String>,
    trace: Option<String>,
}

impl Visit for Asked {
    fn record_str(&mut self, field: &Field, value: &str) {
        let slot = match field.name() {
            "sentry.name" => &mut self.name,
            "sentry.op" => &mut self.op,
            "sentry.trace" => &mut self.trace,
            _ => return,
        };
        *slot = Some(value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if ASKED.contains(&field.name()) {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}
