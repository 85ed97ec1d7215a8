//! The child, built in several ways.

use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Build {
    pub(crate) name: &'static str,
    /// A profile of the root manifest.
    profile: &'static str,
    strips: bool,
    pub(crate) unwinds: bool,
    /// Whether there are tables that tell lines.
    pub(crate) has_tables: bool,
    /// A part of the short form.
    pub(crate) is_short: bool,
}

const fn build(name: &'static str, profile: &'static str) -> Build {
    Build { name, profile, strips: false, unwinds: true, has_tables: true, is_short: true }
}

pub(crate) const BUILDS: [Build; 6] = [
    build("dev", "dev"),
    build("release", "lines"),
    Build { strips: true, has_tables: false, is_short: false, ..build("stripped", "lines") },
    Build { unwinds: false, is_short: false, ..build("dev abort", "abort") },
    Build { unwinds: false, is_short: false, ..build("release abort", "lines-abort") },
    Build {
        strips: true,
        unwinds: false,
        has_tables: false,
        is_short: false,
        ..build("stripped abort", "lines-abort")
    },
];

/// A built child.
pub(crate) struct Program {
    pub(crate) build: &'static Build,
    pub(crate) path: PathBuf,
}

impl Build {
    /// Builds it. What is stripped is built beside what is not, and only the last step differs.
    pub(crate) fn make(&'static self) -> Program {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("crash-table");
        let mut command = Command::new(env!("CARGO"));
        command.args(["rustc", "--quiet", "--package", "crashing", "--bin", "crashing"]);
        command.args(["--features", "crash-handler", "--profile", self.profile, "--target-dir"]).arg(&target);
        if self.strips {
            command.args(["--", "-Cstrip=symbols"]);
        }
        let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo starts");
        assert!(status.success(), "cargo rustc: {}", self.name);
        let folder = if self.profile == "dev" { "debug" } else { self.profile };
        let path = target.join("programs").join(self.name.replace(' ', "-"));
        std::fs::create_dir_all(target.join("programs")).expect("a folder");
        // Another test may be running the one that is there.
        let new = path.with_extension("new");
        std::fs::copy(target.join(folder).join("crashing"), &new).expect("a copy of the program");
        std::fs::rename(&new, &path).expect("its name");
        Program { build: self, path: path.canonicalize().expect("it is there") }
    }
}
