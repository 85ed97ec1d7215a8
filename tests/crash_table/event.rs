//! What the events of a crash have to say.

use sentry::protocol::Value;

use crate::crashing::Ended;
use crate::programs::Program;
use crate::rows::Row;
use crate::same;

/// Bytes of code that one function of the child has at most.
const FUNCTION: u64 = 1_024;

/// What is known of a crash.
pub(crate) struct Facts<'a> {
    pub(crate) row: &'a Row,
    pub(crate) program: &'a Program,
    /// What the child has announced.
    pub(crate) said: &'a Ended,
}

impl Facts<'_> {
    /// Checks the events, and tells in a line what they say.
    pub(crate) fn check(&self, events: &[Value]) -> Result<String, String> {
        let value = |event: &Value| event["exception"]["values"][0]["value"].to_string();
        let first = if let [one] = events {
            one
        } else {
            let first = events.iter().find(|event| value(event).contains("first")).ok_or("no first panic")?;
            let second =
                events.iter().find(|event| value(event).contains("second")).ok_or("no second panic")?;
            self.check_second(first, second)?;
            first
        };
        self.check_event(first)?;
        let at = if self.program.build.has_tables {
            self.check_names(first)
        } else {
            self.check_addresses(first)
        }?;
        Ok(format!("{:8} {:13} {at}", self.row.ty, self.row.mechanism()))
    }

    fn check_event(&self, event: &Value) -> Result<(), String> {
        let exceptions = event["exception"]["values"].as_array().ok_or("no exception")?;
        same("exceptions", &exceptions.len(), &1)?;
        let exception = &exceptions[0];
        same("type", &exception["type"], &self.row.ty.into())?;
        same("mechanism", &exception["mechanism"]["type"], &self.row.mechanism().into())?;
        same("handled", &exception["mechanism"]["handled"], &false.into())?;
        same("level", &event["level"], &"fatal".into())?;
        same("kind", &event["tags"]["kind"], &self.row.kind.into())?;
        let threads = event["threads"]["values"].as_array().ok_or("no threads")?;
        let crashed: Vec<_> = threads.iter().filter(|thread| thread["crashed"] == true).collect();
        same("crashed threads", &crashed.len(), &1)?;
        same("crashed thread", &crashed[0]["id"], &exception["thread_id"])?;
        if self.row.place == "thread" {
            same("name of the thread", &crashed[0]["name"], &"worker".into())?;
        }
        let is_program = |image: &&Value| {
            image["code_file"]
                .as_str()
                .is_some_and(|file| self.program.path.as_path() == std::path::Path::new(file))
        };
        let images = event["debug_meta"]["images"].as_array().ok_or("no images")?;
        let own =
            images.iter().find(is_program).ok_or_else(|| format!("no image of the program: {images:?}"))?;
        let has = |name: &str| own[name].as_str().is_some_and(|value| !value.is_empty());
        same("image", &["debug_id", "code_id", "image_addr"].map(has), &[true; 3])
    }

    /// The newest frame of the application, in the child's own words.
    fn check_names(&self, event: &Value) -> Result<String, String> {
        let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array().ok_or("no frames")?;
        let mut own = frames.iter().rev().filter(|frame| frame["in_app"] == true);
        let about = || format!("{:#}", Value::from(frames.clone()));
        let newest = own.next().ok_or_else(|| format!("no frame of the application: {}", about()))?;
        let said = |name: &'static str| self.said.said(name).unwrap_or_default();
        let line = newest["lineno"].as_u64().unwrap_or_default();
        let at = format!("{} {}:{line}", text(newest, "function"), text(newest, "filename"));
        if !is_function(newest, said("function")) || !ends_with(newest, "abs_path", said("file")) {
            return Err(format!("{at} instead of {} in {}: {}", said("function"), said("file"), about()));
        }
        let first = self.said.number("line").ok_or("the child does not know its line")?;
        let last = self.said.number("last").unwrap_or(first);
        if !(first..=last).contains(&line) {
            return Err(format!("{at} instead of line {first} to {last}: {}", about()));
        }
        if let Some(line) = self.said.number("caller-line") {
            let caller = own.next().ok_or("no caller")?;
            same("line of the caller", &caller["lineno"], &line.into())?;
            same("caller", &is_function(caller, said("caller")), &true)?;
        }
        Ok(at)
    }

    /// An address in the function, and the image that it lies in.
    fn check_addresses(&self, event: &Value) -> Result<String, String> {
        let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array().ok_or("no frames")?;
        let addresses: Vec<u64> =
            frames.iter().filter_map(|frame| number(frame, "instruction_addr")).collect();
        same("frames with addresses", &addresses.len(), &frames.len())?;
        let lines = frames.iter().filter(|frame| !frame["lineno"].is_null()).count();
        same("frames with lines", &lines, &0)?;
        let starts: Vec<u64> = self.said.all("address").filter_map(parse).collect();
        let is_in_function =
            |address: &&u64| starts.iter().any(|start| (*start..start + FUNCTION).contains(*address));
        let address = addresses.iter().rev().find(is_in_function);
        let address = address.ok_or_else(|| format!("{starts:x?} is not in {addresses:x?}"))?;
        let images = event["debug_meta"]["images"].as_array().ok_or("no images")?;
        let home = images.iter().find(|image| {
            let (start, size) = (number(image, "image_addr"), image["image_size"].as_u64());
            matches!((start, size), (Some(start), Some(size)) if (start..start + size).contains(address))
        });
        let home = home.ok_or_else(|| format!("{address:#x} lies in none of {images:?}"))?;
        let start = number(home, "image_addr").unwrap_or_default();
        same("image", &std::path::Path::new(&text(home, "code_file")), &self.program.path.as_path())?;
        Ok(format!("{}+{:#x}", text(home, "debug_id"), address - start))
    }

    /// A panic of a destructor, while another one unwinds.
    fn check_second(&self, first: &Value, second: &Value) -> Result<(), String> {
        self.check_event(second)?;
        let mechanism = &second["exception"]["values"][0]["mechanism"];
        same("link to the first", &mechanism["data"]["previous_event"], &first["event_id"])
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn ends_with(frame: &Value, name: &str, end: &str) -> bool {
    !end.is_empty() && frame[name].as_str().is_some_and(|text| text.ends_with(end))
}

/// Whether a frame is of this function. Of functions that were inlined, line tables know only the last part of the name.
fn is_function(frame: &Value, path: &str) -> bool {
    let function = text(frame, "function");
    let is_last = !function.contains("::") && path.rsplit("::").next() == Some(&function);
    is_last || ends_with(frame, "function", path)
}

fn number(value: &Value, name: &str) -> Option<u64> {
    parse(value[name].as_str()?)
}

fn parse(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
