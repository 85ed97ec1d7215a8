//! Whether frames are told rightly that belong to the application, for lists of frames that people have labelled
//! (reliability goal 15: 99 % of at least 500).
//!
//! A line of a list is right or wrong by what its writer would say of the frame, not by what the rules say: whoever finds a frame
//! that is told wrongly adds it.

use sentry_core::stacktrace::in_app::by_origin;

const LISTS: [(&str, &str); 3] = [
    ("by_hand", include_str!("by_hand.txt")),
    ("seen", include_str!("seen.txt")),
    ("released", include_str!("released.txt")),
];

/// What the lists abbreviate.
const SHORT: [(&str, &str); 2] = [
    ("$REG", "/home/ada/.cargo/registry/src/mirror-1949cf8c6b5b557f"),
    ("$STD", "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library"),
];

struct Labelled<'a> {
    line: &'a str,
    is_app: bool,
    function: &'a str,
    path: Option<String>,
}

impl<'a> Labelled<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let line = line.split_once("# ").map_or(line, |(line, _)| line).trim();
        let (label, rest) = line.split_once("  ")?;
        let (function, path) = match rest.split_once("  @ ") {
            Some((function, path)) => (function, Some(path)),
            None => (rest, None),
        };
        let long =
            |path: &str| SHORT.iter().fold(path.to_owned(), |path, (short, long)| path.replace(short, long));
        assert!(matches!(label, "app" | "not"), "{line}");
        Some(Self { line, is_app: label == "app", function, path: path.map(long) })
    }

    fn is_right(&self) -> bool {
        by_origin(Some(self.function), self.path.as_deref()) == Some(self.is_app)
    }
}

#[test]
fn frames_are_told_as_people_would() {
    let (mut all, mut right, mut paths) = (0, 0, 0);
    for (name, text) in LISTS {
        let frames: Vec<Labelled<'_>> = text.lines().filter_map(Labelled::read).collect();
        let wrong: Vec<&str> =
            frames.iter().filter(|frame| !frame.is_right()).map(|frame| frame.line).collect();
        println!("{name}: {} of {} are told rightly", frames.len() - wrong.len(), frames.len());
        wrong.iter().for_each(|line| println!("  {line}"));
        all += frames.len();
        right += frames.len() - wrong.len();
        paths += frames.iter().filter(|frame| frame.path.is_some()).count();
    }
    assert!(all >= 500 && paths >= 200, "{paths} of {all} with a source file");
    assert!(right * 1_000 >= all * 990, "{right} of {all}");
}
