//! Reading demangled Rust names.
//!
//! Both manglings are understood: `<shop::T as core::fmt::Debug>::fmt`, `shop::run::{{closure}}`,
//! `shop::run::<u8>::{closure#0}`, `shop::imp::<impl other::Trait for shop::T>::f`.

/// The crate a function belongs to: that of its type if it is a method, else of its trait, else of its path.
///
/// `None` for names that are no Rust paths.
#[must_use]
pub fn crate_of(function: &str) -> Option<&str> {
    let path = owner(function)?;
    path.split("::").next().filter(|name| !name.is_empty())
}

/// The crate of a method's type or of a function, and the crate of the trait that the method is of.
pub(crate) fn crates_of(function: &str) -> [Option<&str>; 2] {
    let of_trait = inside(function).and_then(split_as).and_then(|(_, of_trait)| path_in(of_trait));
    [crate_of(function), of_trait.and_then(|path| path.split("::").next())]
}

/// The module a function is defined in: `shop::orders` for `shop::orders::place::{closure#0}` and for
/// `<shop::orders::Order as core::fmt::Debug>::fmt`.
#[must_use]
pub fn module_of(function: &str) -> Option<&str> {
    let path = owner(function)?;
    let in_type = function.starts_with(['<', '_']);
    let mut end = path.len();
    loop {
        let (rest, last) = path[..end].rsplit_once("::")?;
        end = rest.len();
        // A closure lies in a function, a method in a type: neither is a module.
        let is_inner = last.starts_with('{') || last.starts_with('<');
        let in_named_type = !in_type && rest.rsplit("::").next().is_some_and(starts_upper);
        if !is_inner && !in_named_type && !rest.ends_with('}') {
            return Some(rest).filter(|module| !module.is_empty());
        }
    }
}

/// The module that a source file of std or of cargo's registry holds: `core::option` for
/// `/rustc/…/library/core/src/option.rs`, `tokio::net` for `…/registry/src/…/tokio-1.2.3/src/net/mod.rs`.
///
/// Line tables may name an inlined function without its path. Other files are not in folders named like their crate.
#[must_use]
pub fn module_of_path(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    let (folders, file) = path.split_once("/src/").map(|(first, rest)| match rest.rsplit_once("/src/") {
        Some((between, file)) => (&path[..first.len() + "/src/".len() + between.len()], file),
        None => (first, rest),
    })?;
    let (above, folder) = folders.rsplit_once('/').unwrap_or(("", folders));
    let name = if above == "library" || above.ends_with("/library") {
        folder
    } else if above.contains("/registry/src/") {
        folder.rsplit_once('-')?.0
    } else {
        return None;
    };
    let mut module = name.replace('-', "_");
    for part in file.strip_suffix(".rs")?.split('/').filter(|part| !matches!(*part, "lib" | "mod" | "")) {
        module.push_str("::");
        module.push_str(part);
    }
    Some(module)
}

/// Whether one of `prefixes` is the beginning of the function's path, up to a `::`.
#[must_use]
pub fn matches_any(function: &str, prefixes: &[&str]) -> bool {
    !prefixes.is_empty()
        && owner(function).is_some_and(|path| prefixes.iter().any(|prefix| matches(path, prefix)))
}

/// Whether it is one of the crates of this SDK.
#[must_use]
pub fn is_sdk_crate(name: &str) -> bool {
    matches!(name, "sentry" | "sentry_core" | "sentry_integrations" | "sentry_panic" | "sentry_transport")
}

/// Whether it is a source file of this SDK, by the folder of its crate: `sentry-core/src/…`, `sentry-core-0.49.100/src/…`.
///
/// Line tables may name an inlined function without its path, so that only the file says whose it is.
#[must_use]
pub fn is_sdk_path(path: &str) -> bool {
    let separator = |c| c == '/' || c == '\\';
    let mut folders = path.rsplit(separator).skip_while(|folder| *folder != "src");
    let Some(folder) = folders.nth(1) else { return false };
    let unversioned =
        folder.rsplit_once('-').filter(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()));
    match unversioned {
        Some((name, _)) => name == "sentry" || SDK_FOLDERS.contains(&name),
        None => SDK_FOLDERS.contains(&folder),
    }
}

const SDK_FOLDERS: [&str; 4] = ["sentry-core", "sentry-integrations", "sentry-panic", "sentry-transport"];

fn matches(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches(':');
    !prefix.is_empty()
        && path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('<'))
}

/// The path that says who wrote the function, without generic arguments at its end.
fn owner(function: &str) -> Option<&str> {
    let Some(inner) = inside(function) else {
        return Some(until_generics(function)).filter(|path| path.contains("::"));
    };
    let (this, of_trait) = match split_as(inner) {
        Some((this, of_trait)) => (this, Some(of_trait)),
        None => (inner.split_once(" for ").map_or(inner, |(_, this)| this), None),
    };
    path_in(this)
        .or_else(|| of_trait.and_then(path_in))
        .or_else(|| path_in(inner.trim_start_matches("impl ")))
}

/// What is between the `<` that a name begins with and its end.
fn inside(function: &str) -> Option<&str> {
    // Legacy mangling cannot begin with `<` and puts a `_` before it.
    let function = function.strip_prefix('_').filter(|rest| rest.starts_with('<')).unwrap_or(function);
    let inner = function.strip_prefix('<')?;
    Some(&inner[..matching_end(inner)])
}

/// The path in a type such as `&mut dyn shop::Price` or `*const shop::Order<T>`; `None` for `u8`, `(A, B)`, `T`.
fn path_in(ty: &str) -> Option<&str> {
    let mut ty = ty;
    loop {
        let shorter = ty.trim_start_matches(['&', '*', '(', '[', ' ', '<']);
        let shorter = ["mut ", "const ", "dyn ", "impl "]
            .iter()
            .find_map(|word| shorter.strip_prefix(word))
            .unwrap_or(shorter);
        if shorter.len() == ty.len() {
            break;
        }
        ty = shorter;
    }
    let path = until_generics(ty);
    let end = path.find([' ', ',', ')', ']', ';', '+', '>']).unwrap_or(path.len());
    let path = &path[..end];
    path.contains("::").then_some(path)
}

/// `shop::Vec<u8>`, `shop::run::<u8>::{closure#0}` and `shop::<impl T for U>::f` up to the `<`.
fn until_generics(path: &str) -> &str {
    path.find('<').map_or(path, |at| path[..at].trim_end_matches("::"))
}

/// Where the `>` lies that closes a `<` before the start of `text`.
fn matching_end(text: &str) -> usize {
    let mut depth = 1_usize;
    let mut previous = b' ';
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            // Not the arrow of `fn() -> T`.
            b'>' if previous != b'-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
        previous = byte;
    }
    text.len()
}

/// Splits `T as Trait` at the outermost ` as `.
fn split_as(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut previous = b' ';
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' | b'(' | b'[' => depth += 1,
            b'>' if previous == b'-' => {}
            b'>' | b')' | b']' => depth = depth.saturating_sub(1),
            b' ' if depth == 0 && text[at..].starts_with(" as ") => {
                return Some((&text[..at], &text[at + 4..]));
            }
            _ => {}
        }
        previous = byte;
    }
    None
}

fn starts_upper(segment: &str) -> bool {
    segment.starts_with(|c: char| c.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_found_in_every_form_of_a_name() {
        let cases = [
            ("shop::orders::place", Some("shop")),
            ("shop::run::<u8>::{closure#0}", Some("shop")),
            ("shop::run::{{closure}}", Some("shop")),
            ("<shop::T as core::fmt::Debug>::fmt", Some("shop")),
            ("_<shop::T as core::fmt::Debug>::fmt", Some("shop")),
            ("<&mut shop::T as core::fmt::Debug>::fmt", Some("shop")),
            ("<dyn shop::Price>::cents", Some("shop")),
            ("<u8 as shop::Price>::cents", Some("shop")),
            ("<(A, B) as shop::Price>::cents", Some("shop")),
            (
                "<alloc::boxed::Box<dyn core::ops::function::FnOnce() -> shop::T> as shop::Go>::go",
                Some("alloc"),
            ),
            ("<shop::T>::new", Some("shop")),
            ("<T as core::convert::Into<U>>::into", Some("core")),
            ("core::option::Option<T>::unwrap", Some("core")),
            ("shop::imp::<impl other::Trait for shop::T>::f", Some("shop")),
            ("main", None),
            ("run<shop::T, core::option::Option<u8>>", None),
            ("{closure#0}<shop::T>", None),
            ("", None),
            ("<", None),
            ("<>", None),
            ("::", None),
            ("<<<<", None),
            ("<é as ü>::ö", None),
        ];
        for (function, expected) in cases {
            assert_eq!(crate_of(function), expected, "{function}");
        }
    }

    #[test]
    fn our_own_files_are_known_by_their_folder() {
        let cases = [
            ("/srv/sentry/sentry-core/src/hub/mod.rs", true),
            (r"C:\.cargo\registry\src\index\sentry-panic-0.49.100\src\hook.rs", true),
            ("/r/registry/src/index/sentry-0.49.100/src/init.rs", true),
            ("/srv/sentry/src/main.rs", false),
            ("/srv/sentry-panic/tests/golden.rs", false),
            ("/srv/sentry-panic-button/src/main.rs", false),
            ("src/main.rs", false),
            ("", false),
        ];
        for (path, expected) in cases {
            assert_eq!(is_sdk_path(path), expected, "{path}");
        }
    }

    #[test]
    fn files_of_std_and_the_registry_say_their_module() {
        let cases = [
            ("/rustc/5980/library/core/src/option.rs", Some("core::option")),
            ("library/std/src/sys/backtrace.rs", Some("std::sys::backtrace")),
            (r"/rustc/5980/library\alloc\src\vec\mod.rs", Some("alloc::vec")),
            ("/home/ada/.rustup/lib/rustlib/src/rust/library/core/src/lib.rs", Some("core")),
            (
                "/r/.cargo/registry/src/index-1/futures-util-0.3.1/src/future/map.rs",
                Some("futures_util::future::map"),
            ),
            ("/srv/shop/src/orders.rs", None),
            ("/srv/shop/library.rs", None),
            ("", None),
            ("/src/", None),
        ];
        for (path, expected) in cases {
            assert_eq!(module_of_path(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn modules_have_neither_types_nor_functions_in_them() {
        let cases = [
            ("shop::orders::place", Some("shop::orders")),
            ("shop::orders::place::{{closure}}", Some("shop::orders")),
            ("shop::orders::place::{closure#0}::{closure#1}", Some("shop::orders")),
            ("shop::orders::place::<u8>", Some("shop::orders")),
            ("shop::orders::Order::total", Some("shop::orders")),
            ("<shop::orders::Order as core::fmt::Debug>::fmt", Some("shop::orders")),
            ("<shop::orders::Order>::total", Some("shop::orders")),
            ("shop::main", Some("shop")),
            ("main", None),
            ("::", None),
        ];
        for (function, expected) in cases {
            assert_eq!(module_of(function), expected, "{function}");
        }
    }
}
