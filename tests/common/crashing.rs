//! Running the child of the crash tests: how it ended, and what it has said ahead.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How a child has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) error: String,
    pub(crate) took: Duration,
    output: String,
}

impl Ended {
    /// What the child has announced under a name; the last word counts.
    pub(crate) fn said<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).last()
    }

    /// Everything that it has announced under a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.output.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix('='))
    }

    /// A number that was announced; `None` as well if it is 0.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.said(name)?.parse().ok().filter(|number| *number > 0)
    }
}

pub(crate) fn run(program: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
    let begun = Instant::now();
    let output = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    // Numbers of threads differ from run to run, and so do the addresses of a stack.
    let is_frame = |line: &&str| line.starts_with("  ");
    let error: Vec<String> = text(output.stderr)
        .lines()
        .filter(|line| !is_frame(line))
        .map(|line| line.replace(|c: char| c.is_ascii_digit(), ""))
        .collect();
    Ended {
        status: output.status,
        took: begun.elapsed(),
        output: text(output.stdout),
        error: error.join("\n"),
    }
}

/// Everything below a cache directory that could still be sent.
pub(crate) fn unsent(cache: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![cache.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rec" || extension == "env") {
                files.push(path);
            }
        }
    }
    files
}
