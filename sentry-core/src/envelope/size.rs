//! How many bytes an item will take, roughly: what a queue bounded by bytes needs to know before anything is encoded.
//!
//! Counts what can be large (texts, data, lists) and takes a flat figure for the rest.

use super::{EnvelopeItem, ItemContainer};
use crate::client_report::protocol::size::{log, metric, value};
use crate::protocol::{
    Breadcrumb, Context, Event, Exception, Frame, Map, Request, Span, Stacktrace, Transaction, Value,
};

/// The headers of an envelope.
pub(super) const HEADERS: usize = 400;
/// The headers of an item.
const HEADER: usize = 80;
/// Ids, times, release, SDK and the other fields that every event has.
const EVENT: usize = 800;
/// Numbers, addresses and keys of a frame.
const FRAME: usize = 120;
const BREADCRUMB: usize = 70;
/// Ids, times and keys of a span.
const SPAN: usize = 220;
const CONTEXT: usize = 200;
const IMAGE: usize = 250;
/// A session, a check-in or a loss.
const RECORD: usize = 250;
/// Quotes, colon and comma of a field.
const FIELD: usize = 6;

pub(super) fn item(item: &EnvelopeItem) -> usize {
    HEADER
        + match item {
            EnvelopeItem::Event(item) | EnvelopeItem::Feedback(item) => event(item),
            EnvelopeItem::Transaction(item) => transaction(item),
            EnvelopeItem::SessionUpdate(_)
            | EnvelopeItem::UnhandledSession(_)
            | EnvelopeItem::MonitorCheckIn(_) => RECORD,
            EnvelopeItem::SessionAggregates(sessions) => RECORD + sessions.aggregates.len() * 100,
            EnvelopeItem::Attachment(attachment) => attachment.buffer.len(),
            EnvelopeItem::FileAttachment(_) | EnvelopeItem::StoredAttachment(_) | EnvelopeItem::Raw => 0,
            EnvelopeItem::ItemContainer(items) => container(items),
            EnvelopeItem::ClientReport(report) => 60 + report.items().len() * 80,
            EnvelopeItem::Unknown(item) => item.header_line().len() + item.payload().len(),
        }
}

fn container(items: &ItemContainer) -> usize {
    match items {
        ItemContainer::Logs(items) => items.iter().map(log).sum(),
        ItemContainer::Metrics(items) => items.iter().map(metric).sum(),
        ItemContainer::Spans(items) => items.iter().map(value).sum(),
    }
}

fn event(event: &Event<'_>) -> usize {
    EVENT
        + text(&event.message)
        + event.logentry.as_ref().map_or(0, |entry| {
            entry.message.len() + text(&entry.formatted) + entry.params.iter().map(value).sum::<usize>()
        })
        + event.breadcrumbs.iter().map(breadcrumb).sum::<usize>()
        + event.exception.iter().map(exception).sum::<usize>()
        + event.threads.iter().map(|thread| RECORD + stack(&thread.stacktrace)).sum::<usize>()
        + stack(&event.stacktrace)
        + event.debug_meta.images.len() * IMAGE
        + event.request.as_ref().map_or(0, request)
        + texts(&event.tags)
        + texts(&event.modules)
        + data(&event.extra)
        + contexts(&event.contexts)
}

fn transaction(transaction: &Transaction<'_>) -> usize {
    EVENT
        + transaction.spans.iter().map(span).sum::<usize>()
        + transaction.request.as_ref().map_or(0, request)
        + texts(&transaction.tags)
        + data(&transaction.extra)
        + contexts(&transaction.contexts)
}

fn breadcrumb(breadcrumb: &Breadcrumb) -> usize {
    BREADCRUMB + text(&breadcrumb.message) + text(&breadcrumb.category) + data(&breadcrumb.data)
}

fn exception(exception: &Exception) -> usize {
    RECORD + text(&exception.value) + stack(&exception.stacktrace) + stack(&exception.raw_stacktrace)
}

fn stack(stacktrace: &Option<Stacktrace>) -> usize {
    stacktrace.iter().flat_map(|stack| &stack.frames).map(frame).sum()
}

fn frame(frame: &Frame) -> usize {
    let lines = frame.pre_context.iter().chain(&frame.post_context);
    FRAME
        + text(&frame.function)
        + text(&frame.module)
        + text(&frame.filename)
        + text(&frame.abs_path)
        + text(&frame.context_line)
        + lines.map(|line| line.len() + FIELD).sum::<usize>()
        + data(&frame.vars)
}

fn request(request: &Request) -> usize {
    request.url.as_ref().map_or(0, |url| url.as_str().len())
        + text(&request.data)
        + text(&request.query_string)
        + text(&request.cookies)
        + texts(&request.headers)
        + texts(&request.env)
}

fn span(span: &Span) -> usize {
    SPAN + text(&span.op) + text(&span.description) + texts(&span.tags) + data(&span.data)
}

fn contexts(contexts: &Map<String, Context>) -> usize {
    let size = |context: &Context| match context {
        Context::Other(fields) => data(fields),
        _ => CONTEXT,
    };
    contexts.iter().map(|(name, context)| name.len() + size(context)).sum()
}

fn text(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

fn texts(fields: &Map<String, String>) -> usize {
    fields.iter().map(|(key, text)| key.len() + text.len() + FIELD).sum()
}

fn data(fields: &Map<String, Value>) -> usize {
    fields.iter().map(|(key, field)| key.len() + value(field) + FIELD).sum()
}
