//! Which frames belong to the application.
//!
//! ```text
//! in_app_include ─► in_app_exclude ─► path of the source file ─► crate of the function
//!   (true)            (false)          (registry, std: false)     (our own, std, runtimes: false)
//! ```
//!
//! The path decides where there is one, because it says where code came from: a dependency lies in cargo's registry, a
//! git checkout or a vendor folder. Only binaries without line tables have to fall back to names: a release build by default.
//!
//! How well that goes is measured by `tests/in_app`, lists of frames that people have labelled.

mod crates;
mod places;

use self::crates::is_well_known;
use crate::protocol::Stacktrace;
use crate::stacktrace::names;

/// Whether a frame belongs to the application. `None` when neither a function nor a path is known.
///
/// `include` wins over `exclude`, and both win over everything else. Their entries match at `::` boundaries.
#[must_use]
pub fn in_app(
    function: Option<&str>,
    path: Option<&str>,
    include: &[&str],
    exclude: &[&str],
) -> Option<bool> {
    function.and_then(|function| by_prefix(function, include, exclude)).or_else(|| by_origin(function, path))
}

/// What the user's prefixes say about a function, if anything.
#[must_use]
pub fn by_prefix(function: &str, include: &[&str], exclude: &[&str]) -> Option<bool> {
    if names::matches_any(function, include) {
        return Some(true);
    }
    names::matches_any(function, exclude).then_some(false)
}

/// What the source file or else the name says. `None` when neither is known.
#[must_use]
pub fn by_origin(function: Option<&str>, path: Option<&str>) -> Option<bool> {
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        let crate_name = function.and_then(names::crate_of);
        let ours = crate_name.map_or_else(|| names::is_sdk_path(path), names::is_sdk_crate);
        return Some(!ours && !places::is_foreign(path, crate_name));
    }
    let is_theirs = |name: &str| !names::is_sdk_crate(name) && !is_well_known(name);
    // A name without a crate is a C function. A trait of the application on a type of others is the application's: only the crate
    // of one of both can bring them together.
    function.map(|function| names::crates_of(function).into_iter().flatten().any(is_theirs))
}

/// Decides the frames that nobody has decided yet.
pub fn apply(stacktrace: &mut Stacktrace, include: &[&str], exclude: &[&str]) {
    for frame in &mut stacktrace.frames {
        if frame.in_app.is_none() {
            let path = frame.abs_path.as_deref().or(frame.filename.as_deref());
            frame.in_app = in_app(frame.function.as_deref(), path, include, exclude);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Frame;

    #[test]
    fn the_source_file_decides() {
        let cases = [
            ("/srv/app/src/main.rs", true),
            ("src/main.rs", true),
            ("/home/me/app/crates/orders/src/lib.rs", true),
            (r"C:\code\app\src\main.rs", true),
            ("/home/me/rustc/src/main.rs", true),
            ("/rustc/59807616e0a4f1ab/library/core/src/ops/function.rs", false),
            (r"/rustc/59807616e0a4f1ab/library\std\src\rt.rs", false),
            ("library/std/src/panicking.rs", false),
            (r"library\alloc\src\vec\mod.rs", false),
            ("/home/ada/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/option.rs", false),
            ("/home/ada/.cargo/registry/src/mirror-1949cf8c6b5b557f/hyper-1.0.0/src/lib.rs", false),
            ("/opt/cargo/registry/src/mirror-1949cf8c6b5b557f/hyper-1.0.0/src/lib.rs", false),
            ("/srv/app/registry/src/main.rs", true),
            (r"C:\Users\me\.cargo\registry\src\github.com-1ecc6299db9ec823\h2-0.3.0\src\lib.rs", false),
            ("/home/ada/.cargo/git/checkouts/tokio-377c595163f99a10/abcdef0/tokio/src/lib.rs", false),
            (r"D:\.cargo\git\checkouts\x\y\src\lib.rs", false),
            ("/srv/app/vendor/serde/src/lib.rs", false),
        ];
        for (path, expected) in cases {
            assert_eq!(by_origin(Some("shop::orders::place"), Some(path)), Some(expected), "{path}");
        }
    }

    #[test]
    fn a_folder_that_looks_like_std_needs_a_function_of_std() {
        let path = Some("/home/me/app/library/core/src/lib.rs");
        assert_eq!(by_origin(Some("shop_core::init"), path), Some(true));
        assert_eq!(by_origin(Some("core::ops::function::FnOnce::call_once"), path), Some(false));
        assert_eq!(by_origin(None, path), Some(false));
    }

    #[test]
    fn without_a_path_the_name_decides() {
        let cases = [
            ("shop::orders::place", Some(true)),
            ("<shop::Order as core::fmt::Debug>::fmt", Some(true)),
            ("<u32 as shop::Price>::cents", Some(true)),
            ("sentry_shop::report", Some(true)),
            ("std::rt::lang_start", Some(false)),
            ("__rustc::rust_begin_unwind", Some(false)),
            ("tokio::runtime::task::harness::poll_future", Some(false)),
            ("<tokio::net::TcpStream as std::io::Read>::read", Some(false)),
            ("futures_util::future::poll_fn", Some(false)),
            ("tower_http::trace::call", Some(false)),
            ("sentry_core::hub::Hub::with_active", Some(false)),
            ("sentry::init", Some(false)),
            ("__libc_start_main", Some(false)),
            ("main", Some(false)),
        ];
        for (function, expected) in cases {
            assert_eq!(by_origin(Some(function), None), expected, "{function}");
        }
        assert_eq!(by_origin(None, None), None);
        assert_eq!(by_origin(Some("shop::run"), Some("")), Some(true));
    }

    #[test]
    fn our_own_frames_are_not_in_app_even_in_a_workspace_checkout() {
        let path = Some("/srv/sentry/sentry-core/src/hub/mod.rs");
        assert_eq!(by_origin(Some("sentry_core::hub::Hub::run"), path), Some(false));
        assert_eq!(
            by_origin(Some("quickstart::main"), Some("/srv/sentry/examples/quickstart.rs")),
            Some(true)
        );
    }

    #[test]
    fn include_wins_over_exclude_and_both_over_the_rest() {
        let app = Some("/srv/app/src/main.rs");
        let registry = Some("/home/ada/.cargo/registry/src/mirror-1/dep-1.0.0/src/lib.rs");
        type Case =
            (&'static str, Option<&'static str>, &'static [&'static str], &'static [&'static str], bool);
        let cases: [Case; 9] = [
            ("dep::f", registry, &["dep"], &[], true),
            ("dep::f", registry, &["de"], &[], false),
            ("dep::f", registry, &["dep::f"], &[], true),
            ("dep::f::{closure#0}", registry, &["dep::f"], &[], true),
            ("dep::g", registry, &["dep::"], &["dep"], true),
            ("shop::gen::f", app, &[], &["shop::gen"], false),
            ("shop::generic", app, &[], &["shop::gen"], true),
            ("<shop::gen::T as core::clone::Clone>::clone", app, &[], &["shop::gen"], false),
            ("shop::f", app, &["shop::f"], &["shop"], true),
        ];
        for (function, path, include, exclude, expected) in cases {
            assert_eq!(
                in_app(Some(function), path, include, exclude),
                Some(expected),
                "{function} {include:?}"
            );
        }
        assert_eq!(
            in_app(Some("shop::f"), app, &["", "::"], &[""]),
            Some(true),
            "an empty prefix matches nothing"
        );
    }

    #[test]
    fn frames_that_are_decided_stay_as_they_are() {
        let frame =
            |function: &str, in_app| Frame { function: Some(function.into()), in_app, ..Frame::default() };
        let mut stacktrace = Stacktrace {
            frames: vec![
                frame("std::a", Some(true)),
                frame("std::b", None),
                frame("shop::c", None),
                Frame::default(),
            ],
            ..Stacktrace::default()
        };
        apply(&mut stacktrace, &[], &["shop"]);
        let decided: Vec<_> = stacktrace.frames.iter().map(|frame| frame.in_app).collect();
        assert_eq!(decided, [Some(true), Some(false), Some(false), None]);
    }
}
