//! All frames of the child's own that were seen: whether each has a place in a file, and whether it is told rightly if it belongs to
//! the application (reliability goal 15).

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use sentry::protocol::Value;

/// Where the application's own code lies, which is what `in_app` should say.
const APPLICATION: &str = "tests/crashing/src/";
/// What comes from no compiler: the C library's, linked into each program.
const WITHOUT: [&str; 1] = ["_start"];

#[derive(Default)]
pub(crate) struct Frames {
    seen: usize,
    placed: usize,
    told: usize,
    wrong: BTreeMap<String, usize>,
}

impl Frames {
    pub(crate) fn add(&mut self, event: &Value, program: &Path) {
        let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array();
        for frame in frames.into_iter().flatten() {
            let text = |name: &str| frame[name].as_str().unwrap_or_default();
            if Path::new(text("package")) != program || WITHOUT.contains(&text("function")) {
                continue;
            }
            self.seen += 1;
            let has = |name: &str| frame[name].as_u64().is_some_and(|number| number > 0);
            let is_placed = has("lineno") && !text("abs_path").is_empty() && !text("function").is_empty();
            let is_told = frame["in_app"] == text("abs_path").contains(APPLICATION);
            self.placed += usize::from(is_placed && has("colno"));
            self.told += usize::from(is_told);
            if !is_placed || !is_told || !has("colno") {
                let at = format!(
                    "{} {}:{}:{} {} {}",
                    text("function"),
                    text("abs_path"),
                    frame["lineno"],
                    frame["colno"],
                    frame["in_app"],
                    text("instruction_addr")
                );
                *self.wrong.entry(at).or_default() += 1;
            }
        }
    }

    /// Asserts the goal, for so many frames at least.
    pub(crate) fn assert(&self, least: usize) {
        assert!(self.seen >= least, "{self}");
        // The tables themselves give no line to a few instructions that the compiler has added, and no column to the beginning
        // of a function.
        assert!(self.placed * 100 >= self.seen * 99, "{self}");
        assert!(self.told * 100 >= self.seen * 99, "{self}");
    }
}

impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seen, placed, told, .. } = self;
        writeln!(f, "{seen} frames: {placed} with file, line and column; in_app is right for {told}")?;
        self.wrong.iter().try_for_each(|(at, count)| writeln!(f, "  {count} times {at}"))
    }
}
