//! Reads stack traces that were printed by std or by the `backtrace` crate.

use sentry_core::protocol::{Addr, Frame, Stacktrace};

use crate::backtrace::symbol::{Symbol, short_path};

/// Reads a printed stack trace. `None` if no frame is found in the text.
///
/// ```
/// let text = "   0: shop::place\n             at ./src/orders.rs:7:5\n   1: shop::main\n";
/// let stacktrace = sentry_panic::backtrace::parse_stacktrace(text).unwrap();
/// assert_eq!(stacktrace.frames[1].lineno, Some(7));
/// ```
#[must_use]
pub fn parse_stacktrace(text: &str) -> Option<Stacktrace> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut().filter(|frame| frame.abs_path.is_none()) {
                set_place(frame, place.trim());
            }
        } else if let Some(frame) = frame(line, frames.last()) {
            frames.push(frame);
        }
    }
    Stacktrace::from_frames_reversed(frames)
}

/// `12: name`, `12: 0x55d2 - name`, or `- name` for a function inlined into the frame before.
fn frame(line: &str, previous: Option<&Frame>) -> Option<Frame> {
    if let Some(name) = line.strip_prefix("- ") {
        let instruction_addr = previous?.instruction_addr;
        return named(name).map(|frame| Frame { instruction_addr, ..frame });
    }
    let (number, rest) = line.split_once(':')?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start();
    if !rest.starts_with("0x") {
        return named(rest);
    }
    let (address, name) = rest.split_once(" - ").unwrap_or((rest, ""));
    let instruction_addr = address.trim().parse::<Addr>().ok();
    match named(name) {
        Some(frame) => Some(Frame { instruction_addr, ..frame }),
        None => instruction_addr.map(|_| Frame { instruction_addr, ..Frame::default() }),
    }
}

fn named(name: &str) -> Option<Frame> {
    let name = without_hash(name.trim());
    let known = !name.is_empty() && name != "<unknown>" && name != "<no info>";
    let symbol = Symbol::new(known.then_some(name), None, None, None);
    symbol.function.as_ref()?;
    Some(Frame { function: symbol.function, module: symbol.module, ..Frame::default() })
}

/// `path:line:column` or `path:line`; paths of Windows have a colon of their own.
fn set_place(frame: &mut Frame, place: &str) {
    let (rest, last) = split_number(place);
    let (path, line, column) = match (last, split_number(rest)) {
        (Some(column), (path, Some(line))) => (path, Some(line), Some(column)),
        (line, _) => (rest, line, None),
    };
    frame.filename = Some(short_path(path).to_owned());
    frame.abs_path = Some(path.to_owned());
    frame.lineno = line;
    frame.colno = column;
}

fn split_number(text: &str) -> (&str, Option<u64>) {
    match text.rsplit_once(':') {
        Some((rest, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            // Too large for a line is no line.
            (rest, number.parse().ok())
        }
        _ => (text, None),
    }
}

/// `shop::place` for `shop::place::h0123456789abcdef`.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((rest, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_printed_forms_are_read() {
        let text = r"stack backtrace:
   0: rust_begin_unwind
             at /rustc/5980/library/std/src/panicking.rs:493:5
   1:     0x55d2fb6f2a10 - shop::orders::place::h0123456789abcdef
                               at C:\code\shop\src\orders.rs:7
      - shop::inlined
   2:     0x55d2fb6f2a20 - <unknown>
note: Some details are omitted, run with `RUST_BACKTRACE=full`
";
        let stacktrace = parse_stacktrace(text).unwrap();
        let read: Vec<_> = stacktrace
            .frames
            .iter()
            .rev()
            .map(|frame| (frame.function.as_deref(), frame.abs_path.as_deref(), frame.lineno, frame.colno))
            .collect();
        let std = Some("/rustc/5980/library/std/src/panicking.rs");
        let expected = [
            (Some("rust_begin_unwind"), std, Some(493), Some(5)),
            (Some("shop::orders::place"), Some(r"C:\code\shop\src\orders.rs"), Some(7), None),
            (Some("shop::inlined"), None, None, None),
            (None, None, None, None),
        ];
        assert_eq!(read, expected);
        assert_eq!(stacktrace.frames[0].instruction_addr, Some(Addr(0x55d2_fb6f_2a20)));
        assert_eq!(stacktrace.frames[1].instruction_addr, Some(Addr(0x55d2_fb6f_2a10)));
    }

    #[test]
    fn nonsense_is_survived() {
        let huge = "9".repeat(40);
        let overflow = format!("0: f\n at /a.rs:{huge}:{huge}\n{huge}: g\n 1: 0x{huge}{huge} - h");
        let stacktrace = parse_stacktrace(&overflow).unwrap();
        assert_eq!(stacktrace.frames.len(), 3);
        assert!(stacktrace.frames.iter().all(|frame| frame.lineno.is_none()));
        for text in [
            "",
            "at ",
            " at x:1",
            ":",
            "::",
            "0:",
            "0: ",
            "- x",
            "\u{0}",
            "error: no\nat all",
            "1: <unknown>",
        ] {
            assert_eq!(parse_stacktrace(text), None, "{text:?}");
        }
    }
}
