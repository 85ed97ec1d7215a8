//! Records the compiler, which a program cannot ask for at run time.
#![expect(clippy::disallowed_methods, reason = "cargo tells a build script through its environment")]

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let Some(rustc) = std::env::var_os("RUSTC") else { return };
    let Ok(output) = Command::new(rustc).arg("--version").output() else { return };
    // rustc 1.95.0 (59807616e 2026-04-14)
    let Ok(text) = String::from_utf8(output.stdout) else { return };
    let Some(version) = text.split_whitespace().nth(1) else { return };
    println!("cargo:rustc-env=SENTRY_RUSTC_VERSION={version}");
    let channel = match version.split_once('-') {
        None => "stable",
        Some((_, suffix)) if suffix.starts_with("beta") => "beta",
        Some((_, suffix)) => suffix,
    };
    println!("cargo:rustc-env=SENTRY_RUSTC_CHANNEL={channel}");
}
