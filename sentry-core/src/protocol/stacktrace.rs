//! Stack traces.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::{Addr, Map, RegVal, Value, lenient};

/// One call on a stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// The name of the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The name of the function before it was shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_function: Option<String>,
    /// The name of the function in the symbol table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The module of the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The package or the library of the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The source file, as short as it is still clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The path of the source file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abs_path: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineno: Option<u64>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colno: Option<u64>,
    /// The source lines before.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub pre_context: Vec<String>,
    /// The source line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_line: Option<String>,
    /// The source lines after.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::or_default")]
    pub post_context: Vec<String>,
    /// Whether it is code of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_app: Option<bool>,
    /// Local variables.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub vars: Map<String, Value>,
    /// The platform, where it differs from that of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Where the image is loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_addr: Option<Addr>,
    /// The address of the instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction_addr: Option<Addr>,
    /// The address of the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol_addr: Option<Addr>,
    /// What the addresses count from: `abs` or `rel:<image>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr_mode: Option<String>,
}

/// The calls on a stack, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stacktrace {
    /// The frames; the failing one comes last.
    #[serde(serialize_with = "write_frames", deserialize_with = "lenient::or_default")]
    pub frames: Vec<Frame>,
    /// The range of frames that was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_omitted: Option<(u64, u64)>,
    /// The registers of the processor.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "lenient::or_default")]
    pub registers: Map<String, RegVal>,
}

impl Stacktrace {
    /// A stack trace from frames in the order in which stacks are walked, failing frame first. `None` without frames.
    #[must_use]
    pub fn from_frames_reversed(mut frames: Vec<Frame>) -> Option<Self> {
        if frames.is_empty() {
            return None;
        }
        frames.reverse();
        Some(Self { frames, ..Self::default() })
    }
}

/// Frames, most of which have all there is, or nothing but an address.
fn write_frames<S: Serializer>(frames: &[Frame], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(frames.iter().map(Written))
}

/// A bare one without a look at each of its fields: the thread that writes them panics.
struct Written<'a>(&'a Frame);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(address) = self.0.bare() else { return self.0.serialize(serializer) };
        let mut frame = serializer.serialize_struct("Frame", 1)?;
        frame.serialize_field("instruction_addr", &address)?;
        frame.end()
    }
}

impl Frame {
    /// Its address, if nothing else is known of it.
    fn bare(&self) -> Option<Addr> {
        let Self {
            function: None,
            raw_function: None,
            symbol: None,
            module: None,
            package: None,
            filename: None,
            abs_path: None,
            lineno: None,
            colno: None,
            pre_context,
            context_line: None,
            post_context,
            in_app: None,
            vars,
            platform: None,
            image_addr: None,
            instruction_addr,
            symbol_addr: None,
            addr_mode: None,
        } = self
        else {
            return None;
        };
        instruction_addr.filter(|_| pre_context.is_empty() && post_context.is_empty() && vars.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_stacktrace_survives_the_round_trip() {
        let json = json!({
            "frames": [{
                "function": "main", "raw_function": "app::main::h0123", "symbol": "_ZN3app4mainE", "module": "app",
                "package": "/bin/app", "filename": "main.rs", "abs_path": "/src/main.rs", "lineno": 7, "colno": 42,
                "pre_context": ["fn main() {"], "context_line": "  fail();", "post_context": ["}"], "in_app": true,
                "vars": {"x": 1}, "platform": "native", "image_addr": "0x0", "instruction_addr": "0x10",
                "symbol_addr": "0x8", "addr_mode": "abs"
            }],
            "frames_omitted": [1, 2],
            "registers": {"rip": "0xffffffffffffffff"}
        });
        let stacktrace: Stacktrace = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&stacktrace).unwrap(), json);
    }

    #[test]
    fn frames_are_reversed_into_the_order_of_the_protocol() {
        let frame = |name: &str| Frame { function: Some(name.into()), ..Frame::default() };
        let stacktrace = Stacktrace::from_frames_reversed(vec![frame("inner"), frame("outer")]).unwrap();
        assert_eq!(stacktrace.frames, [frame("outer"), frame("inner")]);
        assert_eq!(Stacktrace::from_frames_reversed(vec![]), None);
    }

    #[test]
    fn a_bare_frame_writes_its_address() {
        let bare = Frame { instruction_addr: Some(Addr(16)), ..Frame::default() };
        let frames = vec![bare.clone(), Frame { in_app: Some(true), ..bare }, Frame::default()];
        let stacktrace = Stacktrace { frames, ..Stacktrace::default() };
        let json = json!({"frames": [
            {"instruction_addr": "0x10"}, {"in_app": true, "instruction_addr": "0x10"}, {}
        ]});
        assert_eq!(serde_json::to_value(&stacktrace).unwrap(), json);
    }

    #[test]
    fn an_empty_frame_writes_nothing() {
        assert_eq!(serde_json::to_value(Frame::default()).unwrap(), json!({}));
    }
}
