//! Crashes on demand: `crashing <dsn, or - without SDK> <cache directory, or -> <kind> <main or thread> <hint>`.
//!
//! The kind `nothing` starts and ends: it reports what earlier runs have left.
#![cfg_attr(unix, expect(unsafe_code, reason = "crashes"))]

#[cfg(unix)]
mod allocator;
#[cfg(unix)]
mod announce;
#[cfg(unix)]
mod costs;
#[cfg(unix)]
mod kinds;
#[cfg(unix)]
mod panics;
#[cfg(unix)]
mod surroundings;

#[cfg(unix)]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dsn, cache, kind, place, hint] = &arguments[..] else { return };
    surroundings::prepare(kind);
    let _guard = (dsn != "-").then(|| sentry::init(options(dsn, cache, hint)));
    sentry::configure_scope(|scope| {
        scope.set_tag("kind", kind);
        scope.set_user(Some(sentry::User { id: Some("42".into()), ..Default::default() }));
    });
    sentry::add_breadcrumb(sentry::Breadcrumb {
        message: Some("about to crash".into()),
        ..Default::default()
    });
    let kind = match kind.strip_prefix("error, ") {
        Some(kind) => {
            sentry::capture_error(&std::io::Error::other("before"));
            kind
        }
        None => kind,
    };
    let Some(kind) = kinds::find(kind) else { return };
    kind.announce();
    let (is_late, is_without_memory) = (hint == "late", hint == "no-memory");
    let crash = move || {
        if is_late || is_without_memory {
            kinds::settle();
        }
        announce::IS_LAST.store(is_without_memory, std::sync::atomic::Ordering::SeqCst);
        (kind.run)();
    };
    match place.as_str() {
        "thread" => {
            let body = move || {
                sentry::configure_scope(|scope| scope.set_tag("place", "thread"));
                crash();
            };
            if let Ok(thread) = std::thread::Builder::new().name("worker".into()).spawn(body) {
                let _ = thread.join();
            }
        }
        _ => crash(),
    }
}

#[cfg(unix)]
fn options(dsn: &str, cache: &str, hint: &str) -> sentry::ClientOptions {
    let mut options = sentry::ClientOptions::new().dsn(dsn).release("crashing@1").environment("test");
    if cache != "-" {
        options = options.cache_dir(cache);
    }
    if hint == "session" {
        options = options.auto_session_tracking(true);
    } else if hint == "off" {
        options = options.default_integrations(false);
    } else if matches!(hint, "crash" | "hang") {
        options = options.add_integration(Failing { crashes: hint == "crash" });
    }
    options
}

/// Whoever completes the event of a crash on the thread that reports it gets nowhere.
#[cfg(unix)]
struct Failing {
    crashes: bool,
}

#[cfg(unix)]
impl sentry::Integration for Failing {
    fn enrich(&self, event: &mut sentry::protocol::Event<'static>, _options: &sentry::ClientOptions) {
        while !event.exception.is_empty() && std::thread::current().name() == Some("sentry-crash") {
            if let (true, Some(kind)) = (self.crashes, kinds::find("null-write")) {
                (kind.run)();
            }
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }

    fn processes_events(&self) -> bool {
        false
    }
}

#[cfg(not(unix))]
fn main() {}
