//! What is known about one address.

use std::fmt::{self, Write};
use std::sync::Arc;

use sentry_core::stacktrace::trim::Role;
use sentry_core::stacktrace::{in_app, names};

/// Everything about an address that does not change: computed once, cached, shared.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The function and what was inlined into it, innermost first. At least one.
    pub(crate) symbols: Box<[Symbol]>,
    /// The object file, if known.
    pub(crate) package: Option<Arc<str>>,
    /// Where the object file begins in memory, if known.
    pub(crate) image: Option<usize>,
}

/// One level of a frame.
#[derive(Debug, Default)]
pub(crate) struct Symbol {
    pub(crate) function: Option<String>,
    pub(crate) module: Option<String>,
    /// The source file, as absolute as the compiler knew it.
    pub(crate) path: Option<Arc<str>>,
    /// Where the short form of the path begins in it.
    short: usize,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
    /// By the rules that do not depend on options.
    pub(crate) in_app: Option<bool>,
    pub(crate) role: Role,
}

impl Symbol {
    /// From a name as the compiler mangled it, and a place in a source file.
    pub(crate) fn new(
        raw_name: Option<&str>,
        path: Option<Arc<str>>,
        line: Option<u32>,
        column: Option<u32>,
    ) -> Self {
        let function = raw_name.map(demangle).filter(|name| !name.is_empty());
        let function = function.map(|name| with_path(name, path.as_deref()));
        let name = function.as_deref();
        Self {
            module: name.and_then(names::module_of).map(str::to_owned),
            in_app: in_app::by_origin(name, path.as_deref()),
            role: role(name, path.as_deref()),
            short: path.as_deref().map_or(0, |path| path.len() - short_path(path).len()),
            path,
            line: line.filter(|line| *line > 0),
            column: column.filter(|column| *column > 0),
            function,
        }
    }

    /// The source file in the form that is the same on every machine.
    pub(crate) fn filename(&self) -> Option<&str> {
        self.path.as_deref()?.get(self.short..)
    }
}

/// Line tables may name an inlined function without its path; for std and the registry the file says it.
fn with_path(name: String, path: Option<&str>) -> String {
    let bare = !name.split('<').next().is_some_and(|name| name.is_empty() || name.contains("::"));
    match path.filter(|_| bare).and_then(names::module_of_path) {
        Some(module) => format!("{module}::{name}"),
        None => name,
    }
}

pub(crate) fn role(name: Option<&str>, path: Option<&str>) -> Role {
    let Some(name) = name else { return Role::Other };
    // Line tables may name inlined functions without their paths.
    let ours = names::crate_of(name).is_none() && path.is_some_and(names::is_sdk_path);
    if ours { Role::Sdk } else { Role::of(name) }
}

/// The short form of a source path, always its end, the same on every machine: `src/main.rs`, `library/core/src/option.rs`,
/// `hyper-1.0.0/src/lib.rs`.
pub(crate) fn short_path(path: &str) -> &str {
    let after = |marker: &str| path.find(marker).map(|at| &path[at + marker.len()..]);
    let separator = |c: char| c == '/' || c == '\\';
    if let Some(rest) = after("/registry/src/").or_else(|| after("\\registry\\src\\")) {
        return rest.find(separator).map_or(rest, |at| &rest[at + 1..]);
    }
    let std = path.find("library/").or_else(|| path.find("library\\"));
    if let Some(at) = std.filter(|_| path.starts_with("/rustc/") || path.contains("rustlib")) {
        return &path[at..];
    }
    let folder =
        ["src", "tests", "examples", "benches"].iter().filter_map(|folder| last_folder(path, folder)).max();
    folder.map_or_else(|| path.rsplit(separator).next().unwrap_or(path), |at| &path[at..])
}

/// Where the last folder of this name begins.
fn last_folder(path: &str, folder: &str) -> Option<usize> {
    path.match_indices(folder)
        .filter(|(at, _)| {
            let bytes = path.as_bytes();
            let is_separator = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b'/' | b'\\'));
            (*at == 0 || is_separator(at - 1)) && is_separator(at + folder.len())
        })
        .map(|(at, _)| at)
        .last()
}

/// A readable name without hashes, at most [`MAX_NAME`] bytes long: names of futures have no natural end.
fn demangle(raw: &str) -> String {
    let mut name = Bounded(String::new());
    // The only error is the bound, and then the name is cut as it should be.
    let _ = match rustc_demangle::try_demangle(raw) {
        Ok(demangled) => write!(name, "{demangled:#}"),
        Err(_) => name.write_str(raw),
    };
    name.0
}

const MAX_NAME: usize = 512;

struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = MAX_NAME - self.0.len();
        if text.len() <= left {
            self.0.push_str(text);
            return Ok(());
        }
        let mut cut = left;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.0.push_str(&text[..cut]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_paths_are_the_same_on_every_machine() {
        let cases = [
            ("/srv/app/src/main.rs", "src/main.rs"),
            ("/src/app/crates/orders/src/db/mod.rs", "src/db/mod.rs"),
            ("/srv/app/examples/quickstart.rs", "examples/quickstart.rs"),
            ("/srv/app/build.rs", "build.rs"),
            ("src/main.rs", "src/main.rs"),
            ("main.rs", "main.rs"),
            (r"C:\code\app\src\main.rs", r"src\main.rs"),
            ("/rustc/59807616/library/core/src/option.rs", "library/core/src/option.rs"),
            ("/r/.cargo/registry/src/mirror-1949/hyper-1.0.0/src/lib.rs", "hyper-1.0.0/src/lib.rs"),
            ("", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(short_path(path), expected);
            let symbol = Symbol::new(None, Some(path.into()), None, None);
            assert_eq!(symbol.filename(), Some(expected));
        }
    }

    #[test]
    fn names_are_readable_and_bounded() {
        assert_eq!(demangle("_ZN4shop5place17h0123456789abcdefE"), "shop::place");
        assert_eq!(demangle("_RNvCs1234_4shop5place"), "shop::place");
        assert_eq!(demangle("memcpy"), "memcpy");
        assert_eq!(demangle(&"é".repeat(1_000)).len(), MAX_NAME);
        assert_eq!(demangle(&format!("x{}", "é".repeat(1_000))).len(), MAX_NAME - 1);
    }

    #[test]
    fn line_zero_is_no_line() {
        let symbol = Symbol::new(Some("main"), Some("/a.c".into()), Some(0), Some(0));
        assert_eq!((symbol.line, symbol.column, symbol.module), (None, None, None));
    }
}
