//! Source code in the binary, put there by `sentry-build`; its crate documentation has the format.
//!
//! Kept deflated. A file is inflated when a frame lies in it, on the worker, into the same bounded cache that files from
//! disk go to.

use std::io::Read as _;
use std::sync::Mutex;

use flate2::read::DeflateDecoder;

use super::file::MAX_SIZE;
use crate::sync::lock;

static ALL: Mutex<Vec<&'static [u8]>> = Mutex::new(Vec::new());
/// One for each crate that asks for it.
const MAX_BLOBS: usize = 64;

/// Lets frames show lines of these files. Called by `sentry::embed_source!`.
pub fn register(blob: &'static [u8]) {
    let mut all = lock(&ALL);
    let is_known = all.iter().any(|known| std::ptr::eq(*known, blob));
    if !is_known && all.len() < MAX_BLOBS {
        all.push(blob);
    }
}

/// The file that was compiled from this path.
pub(super) fn find(path: &str) -> Option<Vec<u8>> {
    let blobs = lock(&ALL).clone();
    let file = find_in(&blobs, path)?;
    let mut text = Vec::new();
    DeflateDecoder::new(file.packed).take(MAX_SIZE).read_to_end(&mut text).ok()?;
    (text.len() == file.length).then_some(text)
}

struct File<'a> {
    path: &'a str,
    length: usize,
    packed: &'a [u8],
}

/// By its whole path. One that the compiler has cut to be relative has to fit one file only.
fn find_in<'a>(blobs: &[&'a [u8]], path: &str) -> Option<File<'a>> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let is_cut = !path.is_empty() && !std::path::Path::new(path).is_absolute();
    let fits = |file: &File<'_>| {
        file.path == path
            || (is_cut && file.path.strip_suffix(path).is_some_and(|rest| rest.ends_with(['/', '\\'])))
    };
    let mut found = blobs.iter().flat_map(|blob| files(blob)).filter(fits);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn files(mut blob: &[u8]) -> impl Iterator<Item = File<'_>> {
    std::iter::from_fn(move || {
        let [path, length, packed] = [number(&mut blob)?, number(&mut blob)?, number(&mut blob)?];
        let path = std::str::from_utf8(part(&mut blob, path)?).ok()?;
        Some(File { path, length, packed: part(&mut blob, packed)? })
    })
}

fn number(blob: &mut &[u8]) -> Option<usize> {
    let bytes = part(blob, 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

fn part<'a>(blob: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (part, rest) = blob.split_at_checked(length)?;
    *blob = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::DeflateEncoder};

    use super::*;

    fn blob(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut blob = Vec::new();
        for (path, text) in files {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(text).unwrap();
            let packed = encoder.finish().unwrap();
            for length in [path.len(), text.len(), packed.len()] {
                blob.extend(u32::try_from(length).unwrap().to_le_bytes());
            }
            blob.extend([path.as_bytes(), &packed].concat());
        }
        blob
    }

    #[test]
    fn a_file_is_found_by_the_path_it_was_compiled_from() {
        let blob = blob(&[
            ("/app/src/main.rs", b"fn main"),
            ("/app/src/db/mod.rs", b"a"),
            ("/app/src/mod.rs", b"b"),
        ]);
        let found = |path| find_in(&[&blob], path).map(|file| file.path);
        assert_eq!(found("/app/src/main.rs"), Some("/app/src/main.rs"));
        assert_eq!(found("src/main.rs"), Some("/app/src/main.rs"));
        assert_eq!(found("./src/main.rs"), Some("/app/src/main.rs"));
        for path in ["/other/src/main.rs", "mod.rs", "ain.rs", "", "/", "src"] {
            assert_eq!(found(path), None, "{path}");
        }
        assert!(find_in(&[&blob, &blob], "src/main.rs").is_none(), "of which crate?");
    }

    #[test]
    fn what_is_damaged_is_not_found() {
        let blob = blob(&[("/app/src/damaged.rs", b"fn main() {}")]);
        for length in 0..blob.len() {
            let file = find_in(&[&blob[..length]], "/app/src/damaged.rs");
            assert!(file.is_none(), "{length}");
        }
        register(Box::leak([&blob[..blob.len() - 4], &[0xff; 4]].concat().into_boxed_slice()));
        assert_eq!(find("/app/src/damaged.rs"), None);
    }

    #[test]
    fn a_file_that_inflates_beyond_all_bounds_is_not_shown() {
        let huge = vec![b'x'; usize::try_from(MAX_SIZE).unwrap() + 1];
        let blob: &'static [u8] = Box::leak(blob(&[("/app/src/huge.rs", &huge)]).into_boxed_slice());
        register(blob);
        register(blob);
        assert_eq!(find("/app/src/huge.rs"), None);
        assert_eq!(lock(&ALL).iter().filter(|known| std::ptr::eq(**known, blob)).count(), 1);
    }
}
