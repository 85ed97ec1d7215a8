//! An envelope in a few lines of text.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use sentry_core::Envelope;
use sentry_core::protocol::{Context, EnvelopeItem, Event, ItemContainer, Map, SpanStatus, Transaction};

/// Items and records beyond this are only counted: nobody reads a page at a time.
const MAX_LINES: usize = 20;

/// What is in an envelope. Never empty, whatever the bytes are.
pub(super) fn envelope(bytes: &[u8]) -> String {
    let mut page = Page::default();
    match Envelope::from_slice(bytes) {
        Ok(envelope) => {
            envelope.items().for_each(|item| page.item(item));
            if envelope.items().next().is_none() {
                page.head(format_args!("an empty envelope"));
            }
        }
        Err(_) => page.head(format_args!("an envelope of {} bytes that cannot be read", bytes.len())),
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn item(&mut self, item: &EnvelopeItem) {
        match item {
            EnvelopeItem::Event(event) => self.event("event", event),
            EnvelopeItem::Feedback(event) => self.event("feedback", event),
            EnvelopeItem::Transaction(transaction) => self.transaction(transaction),
            EnvelopeItem::Attachment(file) => {
                self.head(format_args!("attachment  {}, {} bytes", file.filename, file.buffer.len()));
            }
            EnvelopeItem::FileAttachment(_) | EnvelopeItem::StoredAttachment(_) => {
                self.head(format_args!("attachment"))
            }
            EnvelopeItem::SessionUpdate(session) => {
                self.head(format_args!("session {}  {}", session.session_id.simple(), session.status));
            }
            EnvelopeItem::UnhandledSession(session) => {
                self.head(format_args!("session {}  unhandled", session.session_id.simple()));
            }
            EnvelopeItem::SessionAggregates(sessions) => {
                self.head(format_args!("sessions  {} groups", sessions.aggregates.len()));
            }
            EnvelopeItem::MonitorCheckIn(check_in) => {
                self.head(format_args!("check-in  {}  {:?}", check_in.monitor_slug, check_in.status));
            }
            EnvelopeItem::ItemContainer(records) => self.records(records),
            EnvelopeItem::ClientReport(report) => {
                self.head(format_args!("client report"));
                for loss in report.items() {
                    let (quantity, category, reason) = (loss.quantity(), loss.category(), loss.reason());
                    self.line(format_args!("{quantity} {category} lost: {reason}"));
                }
            }
            EnvelopeItem::Unknown(item) => {
                self.head(format_args!("{}  {} bytes", item.ty(), item.payload().len()));
            }
            _ => self.head(format_args!("another item")),
        }
    }

    fn event(&mut self, what: &str, event: &Event<'_>) {
        self.head(format_args!("{what} {}  {}  {}", event.event_id.simple(), event.level, title(event)));
        self.origin(event.release.as_deref(), event.environment.as_deref());
        self.tags(&event.tags);
    }

    fn transaction(&mut self, transaction: &Transaction<'_>) {
        let name = transaction.name.as_deref().unwrap_or("(no name)");
        let (op, status) = match transaction.contexts.get("trace") {
            Some(Context::Trace(trace)) => (trace.op.as_deref().unwrap_or_default(), trace.status),
            _ => ("", None),
        };
        let op = if op.is_empty() { String::new() } else { format!(" ({op})") };
        let status = status.map(|status: SpanStatus| format!(", {status}")).unwrap_or_default();
        let took = transaction.timestamp.and_then(|end| end.duration_since(transaction.start_timestamp).ok());
        let took = Millis(took.unwrap_or_default());
        let (id, spans) = (transaction.event_id.simple(), transaction.spans.len());
        self.head(format_args!("transaction {id}  {name}{op}  {took}, {spans} spans{status}"));
        self.origin(transaction.release.as_deref(), transaction.environment.as_deref());
        self.tags(&transaction.tags);
    }

    fn records(&mut self, records: &ItemContainer) {
        match records {
            ItemContainer::Logs(logs) => {
                for log in logs.iter().take(MAX_LINES) {
                    self.head(format_args!("log  {:?}  {}", log.level, log.body));
                }
                self.more(logs.len(), "logs");
            }
            ItemContainer::Metrics(metrics) => {
                for metric in metrics.iter().take(MAX_LINES) {
                    self.head(format_args!("metric  {} = {}", metric.name, metric.value));
                }
                self.more(metrics.len(), "metrics");
            }
            records => self.head(format_args!("{} spans", records.len())),
        }
    }

    fn more(&mut self, len: usize, what: &str) {
        if len > MAX_LINES {
            self.line(format_args!("and {} more {what}", len - MAX_LINES));
        }
    }

    fn origin(&mut self, release: Option<&str>, environment: Option<&str>) {
        let known = [("release", release), ("environment", environment)];
        let known: Vec<_> =
            known.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect();
        if !known.is_empty() {
            self.line(format_args!("{}", known.join(", ")));
        }
    }

    fn tags(&mut self, tags: &Map<String, String>) {
        let listed: Vec<_> =
            tags.iter().take(MAX_LINES).map(|(key, value)| format!("{key}={value}")).collect();
        if !listed.is_empty() {
            self.line(format_args!("tags: {}", listed.join(", ")));
        }
    }

    fn head(&mut self, line: fmt::Arguments<'_>) {
        self.write("[sentry] ", line);
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        self.write("         ", line);
    }

    /// Text of others goes to a terminal: escape sequences and line breaks in it must not work.
    fn write(&mut self, indent: &str, line: fmt::Arguments<'_>) {
        const MAX_CHARS: usize = 400;
        self.text.push_str(indent);
        let line = line.to_string();
        for c in line.chars().take(MAX_CHARS) {
            if c.is_control() { self.text.extend(c.escape_default()) } else { self.text.push(c) }
        }
        if line.chars().nth(MAX_CHARS).is_some() {
            self.text.push('…');
        }
        self.text.push('\n');
    }
}

/// What a server would call it.
fn title(event: &Event<'_>) -> String {
    if let Some(exception) = event.exception.last() {
        let mut title = exception.ty.clone();
        if let Some(value) = &exception.value {
            let _ = write!(title, ": {value}");
        }
        return title;
    }
    let entry = event.logentry.as_ref().map(|entry| entry.message.as_str());
    event.message.as_deref().or(entry).unwrap_or("(no message)").to_owned()
}

struct Millis(Duration);

impl Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ms", self.0.as_secs_f64() * 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use sentry_core::protocol::{Attachment, Exception, Level};

    use super::*;

    fn text(envelope: &Envelope) -> String {
        let mut bytes = Vec::new();
        envelope.to_writer(&mut bytes).unwrap();
        super::envelope(&bytes)
    }

    #[test]
    fn an_event_says_what_it_is_and_whose_it_is_not() {
        let exception = Exception {
            ty: "CheckoutError".into(),
            value: Some("no\nnumber".into()),
            ..Exception::default()
        };
        let mut event = Event {
            level: Level::Error,
            exception: vec![exception].into(),
            release: Some("shop@1".into()),
            environment: Some("test".into()),
            user: Some(sentry_core::User { email: Some("ada@example.com".into()), ..Default::default() }),
            ..Event::new()
        };
        event.tags.insert("region".into(), "eu\u{1b}[31m".into());
        let id = event.event_id.simple();
        let mut envelope = Envelope::from(event);
        envelope.add_item(Attachment {
            buffer: vec![0; 7],
            filename: "a.txt".into(),
            ..Attachment::default()
        });
        assert_eq!(
            text(&envelope),
            format!(
                "[sentry] event {id}  error  CheckoutError: no\\nnumber\n         release shop@1, environment \
                 test\n         tags: region=eu\\u{{1b}}[31m\n[sentry] attachment  a.txt, 7 bytes\n"
            )
        );
    }

    #[test]
    fn anything_gives_a_line() {
        for bytes in [&b""[..], b"{}", b"\xff\x00", b"{}\n{\"type\":\"new\",\"length\":2}\nab\n"] {
            let text = envelope(bytes);
            assert!(text.starts_with("[sentry] ") && text.ends_with('\n'), "{text}");
        }
        let long = Event { message: Some("x".repeat(9_000)), ..Event::new() };
        assert!(text(&long.into()).len() < 600);
    }
}
