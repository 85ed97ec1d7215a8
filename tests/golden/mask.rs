//! What differs from run to run and from machine to machine, replaced by what does not. It stays valid: the checks of the
//! files see ids, times and addresses, only not those of this run.

use std::collections::BTreeMap;

use crate::json::Json;

/// The moment of all that the tests date themselves; what the SDK dates becomes half a second later.
pub(crate) const EPOCH: u64 = 1_700_000_000;
const TIME: &str = "1700000000.5";
const TEXT_TIME: &str = "2023-11-14T22:13:20.5Z";

/// Contexts that tell of the machine. What they may hold is in the event of which the tests have set everything.
const OF_MACHINE: [&str; 6] = ["app", "cloud_resource", "culture", "device", "os", "rust"];

/// Ids keep apart what was apart: each becomes the number of its first place.
#[derive(Debug, Default)]
pub(crate) struct Mask {
    ids: BTreeMap<String, usize>,
    /// Of stack traces taken by the SDK only the frame of the function with this in its name stays.
    frame: Option<&'static str>,
}

impl Mask {
    /// For an event with a stack trace of its own.
    pub(crate) fn with_frame(function: &'static str) -> Self {
        Self { frame: Some(function), ..Self::default() }
    }

    pub(crate) fn apply(&mut self, json: &mut Json) {
        match json {
            Json::Scalar(_) => self.text(json),
            Json::List(values) => values.iter_mut().for_each(|value| self.apply(value)),
            Json::Object(entries) => {
                for (key, value) in entries {
                    self.entry(key.trim_matches('"'), value);
                }
            }
        }
    }

    fn entry(&mut self, key: &str, value: &mut Json) {
        match (key, &mut *value) {
            ("timestamp" | "start_timestamp" | "end_timestamp", Json::Scalar(text)) if is_of_run(text) => {
                *text = if text.starts_with('"') { format!("{TEXT_TIME:?}") } else { TIME.to_owned() };
            }
            ("sent_at" | "started" | "app_start_time" | "boot_time", Json::Scalar(text))
                if is_of_run(text) =>
            {
                *text = format!("{TEXT_TIME:?}")
            }
            ("duration", Json::Scalar(text)) if text != "12.5" => *text = "0.5".to_owned(),
            ("seq", Json::Scalar(text)) => *text = format!("{EPOCH}500"),
            ("sample_rand", Json::Scalar(text)) => *text = "\"0.500000\"".to_owned(),
            ("dsn", Json::Scalar(text)) => *text = "\"http://public@127.0.0.1:1/42\"".to_owned(),
            ("version", Json::Scalar(text)) if is_own_version(text) => *text = "\"1.0.0\"".to_owned(),
            ("sentry.sdk.version", value) => {
                if let Some(version) = value.get_mut("value") {
                    *version = Json::Scalar("\"1.0.0\"".to_owned());
                }
            }
            ("code.file.path", value) => *inner(value) = Json::Scalar("\"/code/golden.rs\"".to_owned()),
            ("thread.id", value) => *inner(value) = Json::Scalar("\"7\"".to_owned()),
            ("thread.name", value) => *inner(value) = Json::Scalar("\"main\"".to_owned()),
            ("code.line.number", value) => *inner(value) = Json::Scalar("7".to_owned()),
            ("frames", Json::List(frames)) if self.frame.is_some() => self.frames(frames),
            ("images", Json::List(images)) if self.frame.is_some() => images_of_run(images),
            ("registers", Json::Object(registers)) if self.frame.is_some() => {
                // Their names are those of the machine.
                registers.truncate(1);
                *registers = vec![("\"rip\"".to_owned(), Json::Scalar("\"0x1010\"".to_owned()))];
            }
            ("threads", threads) if self.frame.is_some() => {
                if let Some(Json::List(threads)) = threads.get_mut("values") {
                    threads.retain_mut(|thread| thread.get_mut("crashed").is_some());
                }
                self.apply(threads);
            }
            ("thread_id" | "id", Json::Scalar(text)) if self.frame.is_some() && is_number(text) => {
                *text = "7".to_owned();
            }
            ("profile", profile) if self.frame.is_some() && profile.get("samples").is_some() => {
                *profile = self.profile(profile);
            }
            ("data", data) if self.frame.is_some() => {
                of_machine(data, &[("location", "\"golden.rs:7:7\""), ("tid", "7")]);
                self.apply(data);
            }
            ("contexts", Json::Object(contexts)) if self.frame.is_some() => {
                contexts.retain(|(name, _)| !OF_MACHINE.contains(&name.trim_matches('"')));
                contexts.iter_mut().for_each(|(_, context)| self.apply(context));
            }
            ("server_name", Json::Scalar(text)) if self.frame.is_some() => *text = "\"web-1\"".to_owned(),
            (_, value) => self.apply(value),
        }
    }

    /// Whatever looks like a random id is one. Those of one digit alone are the tests' own.
    fn text(&mut self, json: &mut Json) {
        let Some(text) = json.as_text() else { return };
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_id = matches!(text.len(), 16 | 32) && is_hex(text);
        let mut digits = text.bytes();
        let first = digits.next();
        if !is_id || digits.all(|digit| Some(digit) == first) {
            return;
        }
        let (count, length) = (self.ids.len(), text.len());
        let number = *self.ids.entry(text.to_owned()).or_insert(0xa1 + count);
        *json = Json::Scalar(format!("\"{number:0length$x}\""));
    }

    /// Of a profile one sample in that function stays.
    fn profile(&self, profile: &mut Json) -> Json {
        let mut list = |key: &str| match profile.get_mut(key) {
            Some(Json::List(values)) => std::mem::take(values),
            _ => panic!("no {key}"),
        };
        let (mut samples, stacks, mut frames) = (list("samples"), list("stacks"), list("frames"));
        let function = self.frame.unwrap_or_default();
        let is_it = |frame: &Json| {
            let name = frame.get("function").and_then(Json::as_text);
            name.is_some_and(|name| name.contains(function))
        };
        let places = frames.iter().enumerate().filter(|(_, frame)| is_it(frame));
        let places: Vec<_> = places.map(|(place, _)| Json::Scalar(place.to_string())).collect();
        let shows_it = |stack: &Json| matches!(stack, Json::List(stack) if stack.iter().any(|place| places.contains(place)));
        let sample = samples.iter_mut().find(|sample| {
            let stack = sample.get("stack_id").and_then(|stack| stack.to_string().parse::<usize>().ok());
            stack.and_then(|stack| stacks.get(stack)).is_some_and(shows_it)
        });
        let sample = sample.expect("a sample in the function");
        of_machine(sample, &[("thread_id", "\"7\""), ("stack_id", "0"), ("timestamp", TIME)]);
        self.frames(&mut frames);
        let entry = |key: &str, value: Json| (format!("{key:?}"), value);
        Json::Object(vec![
            entry("samples", Json::List(vec![sample.clone()])),
            entry("stacks", Json::read(b"[[0]]")),
            entry("frames", Json::List(frames)),
            entry("thread_metadata", Json::read(b"{\"7\":{\"name\":\"busy\"}}")),
        ])
    }

    fn frames(&self, frames: &mut Vec<Json>) {
        let function = self.frame.unwrap_or_default();
        frames.retain_mut(|frame| {
            let name = frame.get_mut("function").and_then(|name| name.as_text().map(str::to_owned));
            name.is_some_and(|name| name.contains(function))
        });
        frames.truncate(1);
        for frame in frames {
            // Whether a dying process gets to the source is a matter of its time.
            if let Json::Object(entries) = frame {
                entries.retain(|(key, _)| !key.contains("context"));
            }
            of_machine(
                frame,
                &[
                    ("abs_path", "\"/code/golden.rs\""),
                    ("filename", "\"golden.rs\""),
                    ("package", "\"/code/golden\""),
                    ("lineno", "7"),
                    ("colno", "7"),
                    ("instruction_addr", "\"0x1010\""),
                    ("symbol_addr", "\"0x1000\""),
                    ("image_addr", "\"0x100\""),
                ],
            );
        }
    }
}

/// What an attribute holds: its `value`, where it has a type.
fn inner(attribute: &mut Json) -> &mut Json {
    match attribute {
        Json::Object(_) => attribute.get_mut("value").expect("an attribute has a value"),
        value => value,
    }
}

/// The program itself comes first.
fn images_of_run(images: &mut Vec<Json>) {
    images.truncate(1);
    for image in images {
        of_machine(
            image,
            &[
                ("code_file", "\"/code/golden\""),
                ("debug_file", "\"/code/golden\""),
                ("code_id", "\"f1c3bcc0279865fe3058404b2831d9e64135386c\""),
                ("debug_id", "\"c0bcc3f1-9827-fe65-3058-404b2831d9e6\""),
                ("image_addr", "\"0x100\""),
                ("image_size", "4096"),
                ("image_vmaddr", "\"0x10\""),
                ("arch", "\"x86_64\""),
            ],
        );
    }
}

/// Puts these values where there are others.
fn of_machine(object: &mut Json, values: &[(&str, &str)]) {
    for (key, value) in values {
        if let Some(found) = object.get_mut(key) {
            *found = Json::read(value.as_bytes());
        }
    }
}

/// Not one of those that the tests gave.
fn is_of_run(text: &str) -> bool {
    let text = text.trim_matches('"');
    !text.starts_with("1700000000") && !text.starts_with("2023-11-14T22:13:2")
}

fn is_own_version(text: &str) -> bool {
    text.trim_matches('"') == env!("CARGO_PKG_VERSION")
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
