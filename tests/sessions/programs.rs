//! Runs the children.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use crate::{ROLE, SETUP};

/// Which program is the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// This one.
    This,
    /// That of the panic tests: panics unwind, and nothing notices exits.
    Unwinding,
    /// That of the panic tests: a panic is the end.
    Aborting,
    /// That of the crash tests: signals are noticed.
    Crashing,
}

pub(crate) fn run(program: Program, role: &str, setup: &str, dsn: &str, cache: &Path) -> ExitStatus {
    let mut command = match program {
        Program::This => {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.env(ROLE, role).env(SETUP, setup).env("DSN", dsn).env("CACHE", cache);
            command
        }
        Program::Unwinding | Program::Aborting => {
            static BUILT: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
            let profile = if program == Program::Aborting { "abort" } else { "dev" };
            let path = BUILT[usize::from(program == Program::Aborting)]
                .get_or_init(|| build("panicking", profile, &[]).join("panicking"));
            let mut command = Command::new(path);
            command.arg(dsn).arg(role).arg(if setup.contains("cache") { cache } else { Path::new("") });
            command
        }
        Program::Crashing => {
            static BUILT: OnceLock<PathBuf> = OnceLock::new();
            let path = BUILT
                .get_or_init(|| build("crashing", "dev", &["--features", "crash-handler"]).join("crashing"));
            let mut command = Command::new(path);
            command.arg(dsn).arg(cache).args([role, "main", setup]);
            command
        }
    };
    let shown = std::env::var_os("SHOW").is_some();
    command.stdout(Stdio::null()).stderr(if shown { Stdio::inherit() } else { Stdio::null() });
    command.status().unwrap()
}

/// Builds a child with a profile of the root manifest.
fn build(package: &str, profile: &str, more: &[&str]) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(package);
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--package", package, "--profile", profile])
        .args(more)
        .arg("--target-dir")
        .arg(&target);
    let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(status.success(), "cargo build --package {package} --profile {profile}");
    target.join(if profile == "dev" { "debug" } else { profile })
}
