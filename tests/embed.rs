//! A program that has its source code with it shows lines of code although its files are not where it was compiled.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ingest::Server;
use sentry::protocol::Value;

#[test]
fn lines_of_code_are_shown_without_the_files() {
    let program = build();
    let server = Server::start();
    let status = Command::new(&program).arg(server.dsn()).status().expect("the program starts");
    assert!(status.success());
    let events = server.wait_for_events(1, Duration::from_secs(60));
    let frames = frames(&events[0]);
    let frame = frames.iter().find(|frame| frame["function"] == "embedding::shop::order").expect("the frame");
    // A relative path is never looked for on disk.
    assert!(!Path::new(frame["abs_path"].as_str().expect("a path")).is_absolute(), "{frame}");
    assert!(frame["context_line"].as_str().is_some_and(|line| line.ends_with("// here")), "{frame}");
    let last = frame["pre_context"].as_array().and_then(|lines| lines.last()).expect("lines before");
    assert_eq!(last, "    // The line before.");
    assert_eq!(frame["post_context"][0], "    // The line after.");
}

fn frames(event: &Value) -> Vec<Value> {
    let of = |value: &Value| value["stacktrace"]["frames"].as_array().cloned();
    let all = ["exception", "threads"].iter().filter_map(|part| event[part]["values"].as_array());
    all.flatten().find_map(of).or_else(|| of(event)).expect("a stack trace")
}

/// As release builds are made that keep the places of their files to themselves.
fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new(env!("CARGO"))
        .args([
            "rustc",
            "--quiet",
            "--package",
            "embedding",
            "--features",
            "embed-source",
            "--bin",
            "embedding",
        ])
        .current_dir(root)
        .args(["--", &format!("--remap-path-prefix={}=.", root.display())])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "the program is built");
    let exe = std::env::current_exe().expect("a path");
    let folder = exe.ancestors().nth(2).expect("the folder of the profile");
    folder.join(format!("embedding{}", std::env::consts::EXE_SUFFIX))
}
