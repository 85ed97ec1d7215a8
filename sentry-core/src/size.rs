//! How much memory things take, guessed without visiting all of them: a capture must stay cheap whatever it is given.

use crate::protocol::{Breadcrumb, Context, Event, Map, Request, Span, Stacktrace, Transaction, Value};

/// What an allocation of so many bytes really takes.
pub(crate) const fn chunk(bytes: usize) -> usize {
    const HEADER: usize = 8;
    const SMALLEST: usize = 32;
    match bytes {
        0 => 0,
        1..=24 => SMALLEST,
        _ => (bytes.saturating_add(HEADER + 15)) / 16 * 16,
    }
}

/// Things visited in one list; the others are taken to be like them.
const VISITED: usize = 1_000;

/// The sum over all of `list`, from the first ones.
pub(crate) fn sum_of_first<I: ExactSizeIterator>(list: I, of_one: impl FnMut(I::Item) -> usize) -> usize {
    let len = list.len();
    let sum: usize = list.take(VISITED).map(of_one).sum();
    if len > VISITED { (sum / VISITED).saturating_mul(len) } else { sum }
}

/// The nodes of a map with `len` entries of `T`. A leaf has room for eleven.
fn nodes<T>(len: usize) -> usize {
    const ROOM: usize = 11;
    const USED: usize = 8;
    if len <= ROOM {
        return if len == 0 { 0 } else { chunk(ROOM * size_of::<T>() + 16) };
    }
    len.div_ceil(USED).saturating_mul(chunk(ROOM * size_of::<T>() + 16))
}

fn text(text: Option<&String>) -> usize {
    text.map_or(0, |text| chunk(text.len()))
}

fn of_texts(map: &Map<String, String>) -> usize {
    let of_one = |(key, value): (&String, &String)| chunk(key.len()) + chunk(value.len());
    nodes::<(String, String)>(map.len()) + sum_of_first(map.iter(), of_one)
}

/// An event as users build it.
pub(crate) fn of_event(event: &Event<'_>) -> usize {
    /// An exception or a thread, and its texts.
    const PART: usize = 800;
    let mut estimate = Estimate::default();
    let contexts = &event.contexts;
    let of_one = |(name, context): (&String, &Context)| chunk(name.len()) + estimate.of_context(context);
    let contexts = nodes::<(String, Context)>(contexts.len()) + sum_of_first(contexts.iter(), of_one);
    let texts =
        text(event.message.as_ref()) + event.logentry.as_ref().map_or(0, |it| chunk(it.message.len()));
    let values = event.exception.iter().map(|exception| text(exception.value.as_ref())).sum::<usize>();
    let stacks = event.exception.iter().filter_map(|exception| exception.stacktrace.as_ref());
    let stacks = stacks.chain(event.threads.iter().filter_map(|thread| thread.stacktrace.as_ref()));
    chunk(size_of::<Event<'_>>())
        + texts
        + values
        + PART * (event.exception.len() + event.threads.len())
        + stacks.map(of_stacktrace).sum::<usize>()
        + event.request.as_ref().map_or(0, of_request)
        + of_breadcrumbs(&event.breadcrumbs)
        + of_texts(&event.tags)
        + estimate.of_all(&event.extra)
        + contexts
}

pub(crate) fn of_transaction(transaction: &Transaction<'_>) -> usize {
    const SPAN: usize = 512;
    let mut estimate = Estimate::default();
    let span = |span: &Span| SPAN + text(span.description.as_ref());
    let spans: usize = transaction.spans.iter().map(span).sum();
    let request = transaction.request.as_ref().map_or(0, of_request);
    let contexts: usize = transaction.contexts.values().map(|context| estimate.of_context(context)).sum();
    chunk(size_of::<Transaction<'_>>()) + spans + request + estimate.of_all(&transaction.extra) + contexts
}

pub(crate) fn of_request(request: &Request) -> usize {
    let texts = [&request.method, &request.data, &request.query_string, &request.cookies];
    chunk(size_of::<Request>())
        + request.url.as_ref().map_or(0, |url| chunk(url.as_str().len()))
        + texts.into_iter().map(|it| text(it.as_ref())).sum::<usize>()
        + of_texts(&request.headers)
        + of_texts(&request.env)
}

/// Beside the list itself.
pub(crate) fn of_breadcrumbs(crumbs: &[Breadcrumb]) -> usize {
    let mut estimate = Estimate::default();
    let of_one = |crumb: &Breadcrumb| {
        let texts = text(crumb.category.as_ref()) + text(crumb.message.as_ref());
        chunk(crumb.ty.len()) + texts + estimate.of_all(&crumb.data)
    };
    sum_of_first(crumbs.iter(), of_one)
}

/// Beside the struct itself.
pub(crate) fn of_stacktrace(stacktrace: &Stacktrace) -> usize {
    const FRAME: usize = 600;
    const REGISTER: usize = 96;
    FRAME * stacktrace.frames.len() + REGISTER * stacktrace.registers.len()
}

/// A walk through JSON that stops after a while.
pub(crate) struct Estimate {
    /// Values still to be looked at; the rest is taken for small.
    looks: usize,
}

impl Default for Estimate {
    fn default() -> Self {
        Self { looks: VISITED }
    }
}

impl Estimate {
    /// A map of values, beside the map itself.
    pub(crate) fn of_all(&mut self, values: &Map<String, Value>) -> usize {
        let of_one = |(key, value): (&String, &Value)| chunk(key.len()) + self.of(value);
        nodes::<(String, Value)>(values.len()) + sum_of_first(values.iter(), of_one)
    }

    /// A context, beside the enum itself.
    pub(crate) fn of_context(&mut self, context: &Context) -> usize {
        /// The texts of a typed context: names and versions.
        const TEXTS: usize = 160;
        /// A flag and its name.
        const FLAG: usize = 80;
        let (content, data) = match context {
            Context::App(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Browser(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Culture(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Device(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Feedback(it) => (size_of_val(&**it) + it.message.len(), Some(&it.other)),
            Context::Flags(it) => (size_of_val(&**it) + FLAG * it.values.len(), None),
            Context::Gpu(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Os(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Otel(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Profile(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Response(it) => {
                (size_of_val(&**it) + it.data.as_ref().map_or(0, |data| self.of(data)), None)
            }
            Context::Runtime(it) => (size_of_val(&**it), Some(&it.other)),
            Context::Trace(it) => (size_of_val(&**it), Some(&it.data)),
            Context::Other(fields) => return self.of_all(fields),
        };
        chunk(content) + TEXTS + data.map_or(0, |data| self.of_all(data))
    }

    /// A value, beside the enum itself.
    pub(crate) fn of(&mut self, value: &Value) -> usize {
        self.at(value, 0)
    }

    fn at(&mut self, value: &Value, depth: u32) -> usize {
        const DEEPEST: u32 = 32;
        let (own, len) = match value {
            Value::String(text) => return chunk(text.len()),
            Value::Null | Value::Bool(_) | Value::Number(_) => return 0,
            Value::Array(values) => (chunk(size_of_val(&**values)), values.len()),
            Value::Object(fields) => (nodes::<(String, Value)>(fields.len()), fields.len()),
        };
        if depth >= DEEPEST || self.looks == 0 {
            return own + chunk(1) * len;
        }
        self.looks = self.looks.saturating_sub(len);
        let parts = match value {
            Value::Array(values) => sum_of_first(values.iter(), |value| self.at(value, depth + 1)),
            Value::Object(fields) => {
                sum_of_first(fields.iter(), |(key, value)| chunk(key.len()) + self.at(value, depth + 1))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        };
        own + parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_or_wide_value_is_guessed_without_visiting_it() {
        let mut deep = Value::Null;
        for _ in 0..5_000 {
            deep = Value::Array(vec![deep]);
        }
        assert!(Estimate::default().of(&deep) < 10_000);
        let wide = Value::Array(vec![Value::from("x".repeat(100)); 100_000]);
        let size = Estimate::default().of(&wide);
        assert!((12_000_000..16_000_000).contains(&size), "{size}");
        let long = Value::from("x".repeat(1_000_000));
        assert!(Estimate::default().of(&long) >= 1_000_000);
    }

    #[test]
    fn small_allocations_take_more_than_they_hold() {
        for (bytes, taken) in [(0, 0), (1, 32), (24, 32), (25, 48), (40, 48), (41, 64)] {
            assert_eq!(chunk(bytes), taken, "{bytes}");
        }
        assert!(chunk(usize::MAX) > 1 << 30);
    }
}
