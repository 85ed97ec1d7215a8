//! The crates the program was built from.

use std::sync::OnceLock;

use sentry_core::protocol::{Event, Map};
use sentry_core::{ClientOptions, Integration};

use crate::contexts::once;

/// Adds the crates that the program was built from to errors and messages, as `modules`.
///
/// A program does not know them: embed its lock file. Everything in it is listed, also what is for tests and other
/// platforms only. It is read where the first event is completed, which is normally the worker thread.
///
/// ```
/// use sentry_core::protocol::Event;
/// use sentry_core::{ClientOptions, Level, test::with_captured_events_options};
/// use sentry_integrations::contexts::ModulesIntegration;
///
/// // include_str!("../Cargo.lock")
/// const LOCK: &str = "[[package]]\nname = \"serde\"\nversion = \"1.0.219\"\n";
///
/// let options = ClientOptions::new().add_integration(ModulesIntegration::from_lock_file(LOCK));
/// let events = with_captured_events_options(|| _ = sentry_core::capture_message("x", Level::Info), options);
/// assert_eq!(events[0].modules["serde"], "1.0.219");
/// ```
#[derive(Debug)]
pub struct ModulesIntegration {
    lock_file: &'static str,
    modules: OnceLock<Map<String, String>>,
}

impl ModulesIntegration {
    /// The crates of a lock file: `include_str!("../Cargo.lock")` beside `src`, with one `..` more for each directory that
    /// the workspace is further up.
    #[must_use]
    pub fn from_lock_file(lock_file: &'static str) -> Self {
        Self { lock_file, modules: OnceLock::new() }
    }
}

impl Integration for ModulesIntegration {
    fn name(&self) -> &'static str {
        "modules"
    }

    fn enrich(&self, event: &mut Event<'static>, _options: &ClientOptions) {
        // What stands in for a transaction has neither.
        let is_wanted = !event.exception.is_empty() || event.message.is_some() || event.logentry.is_some();
        if is_wanted && event.modules.is_empty() {
            event.modules.clone_from(once(&self.modules, || parse(self.lock_file)));
        }
    }

    fn processes_events(&self) -> bool {
        false
    }
}

/// Names and versions. A crate that is there more than once has several.
fn parse(lock_file: &str) -> Map<String, String> {
    let mut modules = Map::<String, String>::new();
    for package in lock_file.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim_start().strip_prefix('=')?.trim().strip_prefix('"')?.strip_suffix('"')
        };
        let (Some(name), Some(version)) = (value("name"), value("version")) else { continue };
        let versions = modules.entry(name.to_owned()).or_default();
        if !versions.is_empty() {
            versions.push_str(", ");
        }
        versions.push_str(version);
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_names_crates_and_versions() {
        let lock_file = include_str!("../../../Cargo.lock");
        let modules = parse(lock_file);
        assert_eq!(modules["sentry-core"], env!("CARGO_PKG_VERSION"));
        let packages = lock_file.matches("[[package]]").count();
        assert_eq!(modules.values().map(|versions| versions.split(", ").count()).sum::<usize>(), packages);
    }

    #[test]
    fn what_is_no_lock_file_names_none() {
        for text in
            ["", "[[package]]", "[[package]]\nname = \"a\"\n", "name = \"a\"\nversion = \"1\"", ",,,:;:"]
        {
            assert!(parse(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn only_errors_and_messages_have_modules() {
        let integration = ModulesIntegration::from_lock_file("[[package]]\nname = \"a\"\nversion = \"1\"\n");
        let enriched = |event: Event<'static>| {
            let mut event = event;
            integration.enrich(&mut event, &ClientOptions::default());
            event.modules
        };
        assert!(enriched(Event::default()).is_empty());
        let message = Event { message: Some("x".into()), ..Event::default() };
        assert_eq!(enriched(message.clone()).len(), 1);
        let own = Event { modules: [("b".to_owned(), "2".to_owned())].into(), ..message };
        assert!(!enriched(own).contains_key("a"));
    }
}
