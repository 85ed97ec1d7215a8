//! Events: a message with everything an event can hold, an error with its sources, a panic, a native crash.

mod full;

use std::error::Error;
use std::fmt;

use sentry::integrations::backtrace::{AttachStacktraceIntegration, ProcessStacktraceIntegration};
use sentry::integrations::debug_images::DebugImagesIntegration;
use sentry::integrations::panic::PanicIntegration;
use sentry::protocol::Request;
use sentry::{Breadcrumb, Level, User};

use crate::mask::Mask;
use crate::{check, check_with, moment, options};

#[test]
fn a_message_with_every_field() {
    check("event_message", "event", options(), || {
        sentry::capture_event(full::event());
    });
}

#[test]
fn messages_of_the_other_levels() {
    for (name, level) in [("event_info", Level::Info), ("event_debug", Level::Debug)] {
        check(name, "event", options(), || _ = sentry::capture_message("hello", level));
    }
}

#[test]
fn an_error_with_its_sources_and_the_scopes() {
    let options = options().auto_session_tracking(true).add_integration(AttachStacktraceIntegration::new());
    let options = options.attach_stacktrace(true).add_integration(ProcessStacktraceIntegration::new());
    check_with("event_error", "event", options, Mask::with_frame("golden::event::failing"), || {
        sentry::start_session();
        sentry::configure_scope(|scope| {
            scope.set_level(Some(Level::Warning));
            scope.set_fingerprint(Some(&["{{ default }}", "payment"]));
            scope.set_transaction(Some("checkout"));
            scope.set_user(Some(User { id: Some("7".into()), ..Default::default() }));
            scope.set_tag("region", "eu");
            scope.set_extra("cart", vec![1, 2, 3].into());
            scope.set_context("order", sentry::protocol::Context::Other([("id".into(), 7.into())].into()));
            scope.set_request(Some(Request { method: Some("PUT".into()), ..Default::default() }));
            scope.add_feature_flag("new-checkout", true);
        });
        sentry::add_breadcrumb(Breadcrumb {
            timestamp: moment(),
            message: Some("about to pay".into()),
            ..Default::default()
        });
        failing();
    });
}

#[inline(never)]
fn failing() {
    sentry::capture_error(&Payment(std::io::Error::new(std::io::ErrorKind::TimedOut, Gateway)));
}

#[derive(Debug)]
struct Payment(std::io::Error);

impl fmt::Display for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot pay")
    }
}

impl Error for Payment {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[derive(Debug)]
struct Gateway;

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the gateway does not answer")
    }
}

impl Error for Gateway {}

#[test]
fn a_panic() {
    let options =
        options().add_integration(PanicIntegration::new()).add_integration(DebugImagesIntegration::new());
    check_with("event_panic", "event", options, Mask::with_frame("golden::event::panicking"), || {
        let hub = sentry::Hub::current();
        let body = move || sentry::Hub::run(hub, panicking);
        let thread = std::thread::Builder::new().name("worker".into()).spawn(body).expect("a thread");
        assert!(thread.join().is_err());
    });
}

#[inline(never)]
fn panicking() {
    panic!("out of paper");
}

/// By a child that is built with the feature; see `tests/native.rs`.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod crash {
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use ingest::Server;

    use crate::compare;
    use crate::mask::Mask;

    /// A process that took so long to die may not have had the time for all that it does: others have its processor.
    const STARVED: Duration = Duration::from_millis(1_100);
    /// How often to try then.
    const TRIES: usize = 8;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "real time is measured")]
    fn a_native_crash() {
        let program = build();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden-crash");
        for tried in 1..=TRIES {
            let server = Server::start();
            let _ = std::fs::remove_dir_all(&cache);
            let run = |kind: &str| {
                let mut command = Command::new(&program);
                command.arg(server.dsn()).arg(&cache).args([kind, "main", "session"]);
                command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the child starts")
            };
            let begun = Instant::now();
            assert!(!run("null-write").success());
            let is_starved = begun.elapsed() > STARVED;
            // The next start sends what the dying process could not.
            assert!(run("nothing").success());
            if !is_starved || tried == TRIES {
                return compare("event_crash", "event", &server, Mask::with_frame("null_write"));
            }
        }
    }

    fn build() -> std::path::PathBuf {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crashing");
        let mut command = Command::new(env!("CARGO"));
        command
            .args([
                "build",
                "--quiet",
                "--package",
                "crashing",
                "--features",
                "crash-handler",
                "--target-dir",
            ])
            .arg(&target);
        let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo starts");
        assert!(status.success(), "cargo build");
        target.join("debug/crashing")
    }
}
