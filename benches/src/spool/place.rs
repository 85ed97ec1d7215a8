//! A server and a cache directory.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Way;
use crate::burst::Receiver;

/// Gone with the value.
pub(super) struct Place {
    pub(super) cache: PathBuf,
    server: Option<Receiver>,
}

impl Place {
    pub(super) fn new(name: &str) -> Self {
        let cache = std::env::temp_dir().join(format!("sentry-bench-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&cache);
        Self { cache, server: Some(Receiver::start(0)) }
    }

    fn dsn(&self) -> String {
        let server = self.server.as_ref().expect("a server that runs");
        format!("http://public@{}/42", server.address)
    }

    /// Runs a client, and returns the numbers that it prints.
    pub(super) fn run(&self, what: &str, way: Way) -> Vec<f64> {
        let output = client(what, way, &self.dsn(), &self.cache).output().expect("a client");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "the client said {text:?}");
        text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let _ = server.finish();
        }
        let _ = std::fs::remove_dir_all(&self.cache);
    }
}

pub(super) fn client(what: &str, way: Way, dsn: &str, cache: &std::path::Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("our own path"));
    command.args(["spool-client", what, way.name(), dsn]).arg(cache).stderr(Stdio::inherit());
    command
}
