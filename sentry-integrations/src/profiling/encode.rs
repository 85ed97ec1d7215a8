//! From a chunk of addresses to the payload of a `profile_chunk`.

use std::collections::HashMap;
use std::time::{Instant, SystemTime};

use sentry_core::ClientOptions;
use sentry_core::protocol::value::{Map, Value, to_value};
use sentry_core::protocol::{DebugImage, Frame};
use sentry_core::types::{Uuid, random_uuid};

use super::chunk::Chunk;

/// What all chunks of a profiler have in common.
pub(super) struct Origin<'a> {
    pub(super) profiler: Uuid,
    pub(super) options: &'a ClientOptions,
    pub(super) images: Vec<DebugImage>,
}

/// The platform of frames that a server can turn into names by the images.
pub(super) const PLATFORM: &str = "native";

/// The payload; `None` if no frame of it is known.
pub(super) fn payload(mut chunk: Chunk, origin: Origin<'_>, deadline: Instant) -> Option<Value> {
    let source = origin.options.stack_source.as_deref()?;
    let mut table = Table::default();
    let stacks: Vec<_> = chunk
        .take_stacks()
        .iter()
        .map(|stack| table.add(source.resolve(stack, Some(deadline))?.frames))
        .collect();
    let sample = |sample: &super::chunk::Sample| {
        let stack = stacks.get(sample.stack).copied().flatten()?;
        Some(object([
            ("timestamp", seconds(sample.time).into()),
            ("thread_id", sample.thread.to_string().into()),
            ("stack_id", stack.into()),
        ]))
    };
    let samples: Vec<Value> = chunk.samples.iter().filter_map(sample).collect();
    if samples.is_empty() {
        return None;
    }
    let threads = chunk
        .threads
        .into_iter()
        .filter_map(|(thread, name)| Some((thread.to_string(), object([("name", name?.into())]))));
    let threads: Map<String, Value> = threads.collect();
    let mut profile =
        vec![("samples", samples.into()), ("stacks", table.stacks.into()), ("frames", table.frames.into())];
    if !threads.is_empty() {
        profile.push(("thread_metadata", threads.into()));
    }
    let sdk = object([("name", "sentry.rust".into()), ("version", env!("CARGO_PKG_VERSION").into())]);
    let mut payload = vec![
        ("version", "2".into()),
        ("profiler_id", id(origin.profiler)),
        ("chunk_id", id(random_uuid())),
        ("client_sdk", sdk),
        ("platform", PLATFORM.into()),
        ("release", origin.options.release.as_deref()?.into()),
        ("debug_meta", object([("images", to_value(&origin.images).ok()?)])),
        ("profile", object(profile)),
    ];
    payload
        .extend(origin.options.environment.as_deref().map(|environment| ("environment", environment.into())));
    Some(object(payload))
}

/// Frames, and stacks of places in the list of frames, each once.
#[derive(Default)]
struct Table {
    frames: Vec<Value>,
    stacks: Vec<Value>,
    places: HashMap<String, usize>,
}

impl Table {
    /// The place of a stack whose frames come oldest first. The wire has them the other way round here.
    fn add(&mut self, frames: Vec<Frame>) -> Option<usize> {
        let places: Option<Vec<usize>> = frames.into_iter().rev().map(|frame| self.frame(frame)).collect();
        let places = places.filter(|places| !places.is_empty())?;
        self.stacks.push(places.into());
        Some(self.stacks.len() - 1)
    }

    fn frame(&mut self, frame: Frame) -> Option<usize> {
        // Source lines are for people who read one stack.
        let frame = Frame {
            symbol: None,
            pre_context: Vec::new(),
            context_line: None,
            post_context: Vec::new(),
            vars: Default::default(),
            addr_mode: None,
            ..frame
        };
        let value = to_value(&frame).ok()?;
        let next = self.frames.len();
        let place = *self.places.entry(value.to_string()).or_insert(next);
        if place == next {
            self.frames.push(value);
        }
        Some(place)
    }
}

fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
}

fn id(id: Uuid) -> Value {
    id.as_simple().to_string().into()
}

/// With microseconds, like all numbers that are times.
fn seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: &str) -> Frame {
        Frame { function: Some(name.to_owned()), context_line: Some("x".into()), ..Frame::default() }
    }

    #[test]
    fn stacks_are_leaf_first_and_frames_are_there_once() {
        let mut table = Table::default();
        assert_eq!(table.add(vec![frame("main"), frame("work")]), Some(0));
        assert_eq!(table.add(vec![frame("main"), frame("rest")]), Some(1));
        assert_eq!(table.add(Vec::new()), None);
        assert_eq!(Value::from(table.stacks).to_string(), "[[0,1],[2,1]]");
        let names: Vec<_> = table.frames.iter().map(|frame| frame["function"].as_str()).collect();
        assert_eq!(names, [Some("work"), Some("main"), Some("rest")]);
        assert!(table.frames[0].get("context_line").is_none());
    }
}
