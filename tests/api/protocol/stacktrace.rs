//! Stack traces and threads.

use std::fmt::{Debug, Display};
use std::hash::Hash;

use sentry::protocol::{Addr, Frame, Map, RegVal, Stacktrace, Thread, ThreadId, Value};

fields!(Stacktrace {
    frames: Vec<Frame>,
    frames_omitted: Option<(u64, u64)>,
    registers: Map<String, RegVal>,
});
const _: fn(Vec<Frame>) -> Option<Stacktrace> = Stacktrace::from_frames_reversed;
implements!(Stacktrace: Clone + Debug + Default + PartialEq);
wire!(Stacktrace);

fields!(Frame {
    abs_path: Option<String>,
    addr_mode: Option<String>,
    colno: Option<u64>,
    context_line: Option<String>,
    filename: Option<String>,
    function: Option<String>,
    image_addr: Option<Addr>,
    in_app: Option<bool>,
    instruction_addr: Option<Addr>,
    lineno: Option<u64>,
    module: Option<String>,
    package: Option<String>,
    post_context: Vec<String>,
    pre_context: Vec<String>,
    symbol: Option<String>,
    symbol_addr: Option<Addr>,
    vars: Map<String, Value>,
});
implements!(Frame: Clone + Debug + Default + PartialEq);
wire!(Frame);

fields!(Thread {
    crashed: bool,
    current: bool,
    id: Option<ThreadId>,
    name: Option<String>,
    raw_stacktrace: Option<Stacktrace>,
    stacktrace: Option<Stacktrace>,
});
implements!(Thread: Clone + Debug + Default + PartialEq);
wire!(Thread);

const _: fn(ThreadId) = |value| match value {
    ThreadId::Int(_) | ThreadId::String(_) => {}
};
const _: fn(u64) -> ThreadId = ThreadId::Int;
const _: fn(String) -> ThreadId = ThreadId::String;
implements!(ThreadId: Clone + Debug + Default + Display + From<&'static str> + From<String> + From<i32> + From<i64>
    + From<u16> + From<u32> + Hash + Ord);
wire!(ThreadId);
