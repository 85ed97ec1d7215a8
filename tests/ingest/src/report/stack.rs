//! One stack trace, newest frame first.

use std::fmt::{self, Write as _};

use serde_json::Value;

/// Writes the frames; nothing when there are none.
pub(super) fn write(stack: &Value, out: &mut String) -> fmt::Result {
    for frame in frames(stack).iter().rev() {
        let mark = if is_in_app(frame) { '>' } else { ' ' };
        writeln!(out, "  {mark} {}", describe(frame))?;
        if is_in_app(frame) {
            source(frame, out)?;
        }
    }
    Ok(())
}

/// The frame that a reader wants to see first.
pub(super) fn newest_in_app(stack: &Value) -> Option<&Value> {
    frames(stack).iter().rev().find(|frame| is_in_app(frame))
}

/// `function at file:line:column`, with whatever of it is known.
pub(super) fn describe(frame: &Value) -> String {
    let first = |keys: [&str; 2]| keys.into_iter().find_map(|key| frame[key].as_str());
    let mut text = first(["function", "instruction_addr"]).unwrap_or("<unknown>").to_owned();
    let file = first(["filename", "abs_path"]);
    match (file, frame["lineno"].as_u64(), frame["package"].as_str()) {
        (Some(file), Some(line), _) => {
            text.push_str(&format!(" at {file}:{line}"));
            if let Some(column) = frame["colno"].as_u64() {
                text.push_str(&format!(":{column}"));
            }
        }
        (Some(file), None, _) => text.push_str(&format!(" at {file}")),
        (None, Some(line), _) => text.push_str(&format!(" at line {line}")),
        (None, None, Some(package)) => text.push_str(&format!(" in {package}")),
        (None, None, None) => {}
    }
    text
}

/// The lines around the failing one, numbered.
fn source(frame: &Value, out: &mut String) -> fmt::Result {
    let (Some(line), Some(text)) = (frame["lineno"].as_u64(), frame["context_line"].as_str()) else {
        return Ok(());
    };
    let (before, after) = (lines(&frame["pre_context"]), lines(&frame["post_context"]));
    let first = line.saturating_sub(before.len() as u64);
    for (number, text) in (first..).zip(before) {
        numbered(' ', number, text, out)?;
    }
    numbered('>', line, text, out)?;
    for (number, text) in (line.saturating_add(1)..).zip(after) {
        numbered(' ', number, text, out)?;
    }
    Ok(())
}

fn numbered(mark: char, number: u64, text: &str, out: &mut String) -> fmt::Result {
    writeln!(out, "{}", format!("    {mark} {number:>5} | {text}").trim_end())
}

fn lines(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|line| line.as_str().unwrap_or_default()).collect()
}

fn frames(stack: &Value) -> &[Value] {
    stack["frames"].as_array().map_or(&[], Vec::as_slice)
}

fn is_in_app(frame: &Value) -> bool {
    frame["in_app"].as_bool().unwrap_or(false)
}
