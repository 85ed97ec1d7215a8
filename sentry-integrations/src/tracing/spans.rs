//! From a span of `tracing` to one of ours.

use std::borrow::Cow;
use std::sync::Arc;

use sentry_core::options::DataCollection;
use sentry_core::protocol::{Map, SpanStatus, Url, Value};
use sentry_core::{Hub, TracesSamplingStrategy, TransactionContext, TransactionOrSpan};
use tracing_core::field::Visit;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Field, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fields::Fields;
use super::followed::{self, Followed};
use super::query;

/// What made the spans.
const ORIGIN: &str = "auto.tracing";

/// The fields of a span, kept for the events in it.
pub(super) struct SpanFields(pub(super) Map<String, Value>);

/// A new span: ours begins with it, if it is sampled.
pub(super) fn begin<S>(attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Most spans of a service that samples few traces end here.
    if !(attributes.is_contextual() && Hub::is_in_unsampled_span()) {
        Hub::with_active(|hub| follow(hub, attributes, id, context));
    }
}

fn follow<S>(hub: &Arc<Hub>, attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = context.span(id) else { return };
    // Another layer of ours may follow it already.
    if followed::is_possible(id) && span.extensions().get::<Followed>().is_some() {
        return;
    }
    let above = if attributes.is_root() {
        None
    } else {
        let explicit = if attributes.is_contextual() { None } else { above(&span) };
        // The code is in the contextual parent; the hub knows whether the application has bound another span since.
        explicit.or_else(|| hub.active_span()).or_else(|| above(&span).filter(|above| !above.is_sampled()))
    };
    let ours = match above {
        Some(above) if !above.is_sampled() => return,
        Some(above) => {
            let metadata = attributes.metadata();
            let fields = visited(attributes);
            let label = Label::new(metadata, &fields);
            let child: TransactionOrSpan = above.start_child(&label.op, &label.name).into();
            fill(&child, metadata, fields);
            child
        }
        None => {
            let Some(root) = root(hub, attributes) else { return };
            root
        }
    };
    span.extensions_mut().insert(Followed::new(id, ours));
}

/// The closest one above `span` that is followed.
fn above<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Arc<TransactionOrSpan>> {
    std::iter::successors(span.parent(), SpanRef::parent).find_map(|above| followed(&above))
}

/// A span with nothing above it is a transaction; `None` while tracing is off.
fn root(hub: &Arc<Hub>, attributes: &Attributes<'_>) -> Option<TransactionOrSpan> {
    let client = hub.client().filter(|client| client.is_enabled())?;
    if matches!(client.options().effective_traces_sampling(), TracesSamplingStrategy::Disabled) {
        return None;
    }
    let metadata = attributes.metadata();
    // The sampler wants to know these; nothing else is looked at before it has decided.
    let mut asked = Asked::default();
    if ASKED.iter().any(|name| metadata.fields().field(name).is_some()) {
        attributes.record(&mut asked);
    }
    let name = asked.name.as_deref().unwrap_or_else(|| metadata.name());
    let op = asked.op.unwrap_or_else(|| default_op(metadata));
    let context = match &asked.trace {
        Some(trace) => {
            TransactionContext::continue_from_headers(name, &op, [("sentry-trace", trace.as_str())])
        }
        None if attributes.is_root() => TransactionContext::new(name, &op),
        // A layer above may have continued the trace of a request.
        None => hub.transaction_context(name, &op),
    };
    let transaction = hub.start_transaction(context);
    if transaction.is_sampled() {
        let fields = visited(attributes);
        let label = Label::new(metadata, &fields);
        transaction.set_op(&label.op);
        transaction.set_name(&label.name);
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
pub(super) fn enter<S>(id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(ours) = find(id, context) {
        Hub::enter_span(id.into_u64(), &ours);
    }
}

/// It has left it.
pub(super) fn exit(id: &Id) {
    Hub::exit_span(id.into_u64());
}

/// The span is over.
pub(super) fn end<S>(id: &Id, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if !followed::is_possible(id) {
        return;
    }
    let Some(span) = context.span(id) else { return };
    let followed = span.extensions_mut().remove::<Followed>();
    if let Some(followed) = followed {
        TransactionOrSpan::clone(&followed.ours).finish();
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
    if followed::is_possible(id) { followed(&context.span(id)?) } else { None }
}

fn followed<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> Option<Arc<TransactionOrSpan>> {
    span.extensions().get::<Followed>().map(|followed| Arc::clone(&followed.ours))
}

fn visited(attributes: &Attributes<'_>) -> Fields {
    let mut fields = Fields::default();
    attributes.record(&mut fields);
    fields
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
fn fill(ours: &TransactionOrSpan, metadata: &Metadata<'_>, mut fields: Fields) {
    ours.set_origin(ORIGIN);
    let mut place = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.values.entry(key.to_owned()).or_insert(value);
        }
    };
    place("sentry.tracing.target", Some(metadata.target().into()));
    place("code.module.name", metadata.module_path().map(Value::from));
    place("code.file.path", metadata.file().map(Value::from));
    place("code.line.number", metadata.line().map(Value::from));
    add(ours, fields);
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
