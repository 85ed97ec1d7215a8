//! For build scripts: puts the source code of a crate into its binary, so that events show lines of code where there are
//! no source files.
//!
//! ```no_run
//! // build.rs
//! sentry_build::embed_source();
//! ```
//!
//! In `main`, before `sentry::init`: `sentry::embed_source!();`, and `include_source_context(true)` among the options.
//!
//! The binary grows by about a quarter of the size of `src`; whoever has it can read the code.
//!
//! ```text
//! path's length, length, deflated length (u32, little endian), path, deflated text     for each file
//! ```
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Larger files are generated, and never shown.
const MAX_FILE: usize = 2 << 20;
/// As much as anybody reads, before it is deflated.
const MAX_ALL: usize = 64 << 20;

/// Collects `src/**/*.rs` of the crate whose build script this is, for `sentry::embed_source!`.
///
/// What cannot be read is left out, with a warning of cargo's.
#[expect(clippy::disallowed_methods, reason = "cargo tells build scripts by the environment")]
pub fn embed_source() {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(package), Some(out)) = (folder("CARGO_MANIFEST_DIR"), folder("OUT_DIR")) else {
        return warn("embed_source is for build scripts");
    };
    let source = package.join("src");
    say(&format!("rerun-if-changed={}", source.display()));
    let mut files = Vec::new();
    if let Err(error) = list(&source, &mut files) {
        warn(&format!("{}: {error}", source.display()));
    }
    files.sort();
    if let Err(error) = fs::write(out.join("sentry-source.bin"), pack(&files)) {
        warn(&format!("the source code was not embedded: {error}"));
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
        // A link may lead back to where it lies.
        match entry? {
            kind if kind.is_dir() => list(&path, files)?,
            kind if kind.is_file() && path.extension().is_some_and(|end| end == "rs") => files.push(path),
            _ => {}
        }
    }
    Ok(())
}

fn pack(files: &[PathBuf]) -> Vec<u8> {
    let (mut blob, mut left) = (Vec::new(), MAX_ALL);
    for path in files {
        let text = fs::read(path).unwrap_or_default();
        let Some(name) = path.to_str().filter(|_| !text.is_empty() && text.len() <= MAX_FILE) else {
            continue;
        };
        let Some(rest) = left.checked_sub(text.len()) else {
            return blob;
        };
        left = rest;
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        let Ok(packed) = encoder.write_all(&text).and_then(|()| encoder.finish()) else { continue };
        for length in [name.len(), text.len(), packed.len()] {
            blob.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        }
        blob.extend_from_slice(name.as_bytes());
        blob.extend_from_slice(&packed);
    }
    blob
}

fn warn(text: &str) {
    say(&format!("warning=sentry: {text}"));
}

/// Tells cargo.
#[expect(clippy::print_stdout, reason = "cargo reads the standard output of build scripts")]
fn say(text: &str) {
    println!("cargo::{text}");
}
