//! Whose code lies where, by the paths that compilers write into line tables.

use super::crates::{is_std, is_well_known};

/// Whether the source file is one of a dependency, of std or of the C library.
pub(super) fn is_foreign(path: &str, crate_name: Option<&str>) -> bool {
    let normalized;
    let path = if path.contains('\\') {
        normalized = path.replace('\\', "/");
        &normalized
    } else {
        path
    };
    KNOWN.iter().any(|part| path.contains(part))
        || is_in_registry(path)
        || is_in_checkout(path)
        || is_vendored(path)
        || is_remapped(path)
        || is_generated_for_others(path)
        || is_std_source(path, crate_name)
        || (crate_name.is_none() && is_libc_source(path))
}

fn is_std_source(path: &str, crate_name: Option<&str>) -> bool {
    path.starts_with("/rustc/")
        || path.starts_with("/rust/deps/")
        || STD_SOURCES.iter().any(|source| path.starts_with(source))
        // An application may well have a folder of its own called `library/core`.
        || (crate_name.is_none_or(is_std) && STD_SOURCES.iter().any(|source| path.contains(source)))
}

/// `CARGO_HOME` can have any name; below it a registry is a host name and a hash.
fn is_in_registry(path: &str) -> bool {
    path.split_once("/registry/src/")
        .and_then(|(_, rest)| rest.split('/').next())
        .is_some_and(|folder| without_hash(folder).is_some())
}

/// Likewise, a checkout is a name and a hash, and below it a commit.
fn is_in_checkout(path: &str) -> bool {
    path.split_once("/git/checkouts/")
        .and_then(|(_, rest)| rest.split('/').next())
        .is_some_and(|folder| without_hash(folder).is_some())
}

/// `name` of `name-0123456789abcdef`.
fn without_hash(folder: &str) -> Option<&str> {
    let (name, hash) = folder.rsplit_once('-')?;
    (hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

/// Copies of dependencies in a folder for them. Neither a module nor a crate that is called `vendor` is one.
fn is_vendored(path: &str) -> bool {
    let mut has_source = false;
    let mut folders = path.split('/').peekable();
    while let Some(folder) = folders.next() {
        if folder.starts_with("source-registry-") || folder.starts_with("source-git-") {
            return true;
        }
        let is_copies = matches!(folder, "vendor" | "third_party" | "third-party" | "cargo-vendor-dir")
            || folder.ends_with("-vendor.tar.gz")
            || folder.ends_with("-vendor-cargo-deps");
        if is_copies && folders.peek() != Some(&"src") {
            // Within the sources of a crate it is a module, unless it has crates in it.
            return !has_source || folders.any(|folder| folder == "src");
        }
        has_source |= folder == "src";
    }
    false
}

/// Where whoever has built the program has shortened the paths: `tokio-1.38.0/src/…`, or what build systems call `external`.
fn is_remapped(path: &str) -> bool {
    let Some((first, rest)) = path.split_once('/') else { return false };
    let is_version = |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.');
    let is_package = |folder: &str| folder.rsplit_once('-').is_some_and(|(_, version)| is_version(version));
    is_package(first)
        || (first == "external" && rest.split('/').next().is_some_and(|name| name.contains("crate")))
}

/// What the build script of a dependency has written, in the application's `target`.
fn is_generated_for_others(path: &str) -> bool {
    let Some((folders, _)) = path.split_once("/out/") else { return false };
    let Some((above, folder)) = folders.rsplit_once('/') else { return false };
    let package = without_hash(folder).filter(|_| above.ends_with("/build"));
    package.is_some_and(|package| is_well_known(&package.replace('-', "_")))
}

/// Distributions build the C library in folders of their own, and their paths are often relative to that.
fn is_libc_source(path: &str) -> bool {
    if path.ends_with(".rs") {
        return false;
    }
    path.starts_with("./") || path.starts_with("../") || LIBC.iter().any(|part| path.contains(part))
}

/// Where code of others lies, wherever the folder above is.
const KNOWN: [&str; 4] =
    ["/.cargo/registry/src/", "/.cargo/git/checkouts/", "/share/cargo/registry/", "/lib/rustlib/src/rust/"];

const LIBC: [&str; 3] = ["/glibc-", "/glibc/", "/musl/"];

const STD_SOURCES: [&str; 6] = [
    "library/std/",
    "library/core/",
    "library/alloc/",
    "library/test/",
    "library/panic_unwind/",
    "library/proc_macro/",
];
