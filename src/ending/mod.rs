//! Programs that end, or are put to sleep, without dropping the guard.
//!
//! | how | what sends the rest |
//! |---|---|
//! | `main` returns | the guard |
//! | [`exit`] | itself |
//! | [`std::process::exit`], or a guard in a static | the exit hook of the feature `process` (Unix) |
//! | SIGTERM, Ctrl-C | [`flush_on_signals`], if it was called |
//! | frozen after each request (functions as a service) | [`flush_on_return`], [`flush_on_return_async`] |
//!
//! Each waits for `shutdown_timeout` at most, or for as long as it is told.

#[cfg_attr(not(feature = "process"), path = "no_hooks.rs")]
mod hooks;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use sentry_core::{Client, Hub};

#[cfg(feature = "process")]
pub use self::hooks::flush_on_signals;
use crate::shutdown;

/// Sends what is pending, for `shutdown_timeout` at most, and ends the process with this code.
///
/// As [`std::process::exit`], it runs no destructors. Hooks that were given to `atexit` do run.
///
/// ```no_run
/// let _guard = sentry::init("https://public@sentry.example/42");
/// if let Err(error) = std::fs::read("config.toml") {
///     sentry::capture_error(&error);
///     sentry::exit(3);
/// }
/// ```
#[expect(clippy::exit, reason = "asked to")]
pub fn exit(code: i32) -> ! {
    close();
    std::process::exit(code)
}

/// Runs `handler`, and sends what is pending before it returns, or goes on to panic.
///
/// For handlers after which the process is frozen until the next request, as on most platforms for functions. Waits for
/// `timeout` at most (default: `shutdown_timeout`), and not at all when nothing is pending.
///
/// ```
/// # let _guard = sentry::init(());
/// fn handle(request: &str) -> usize {
///     sentry::flush_on_return(None, || {
///         sentry::capture_message("a request came in", sentry::Level::Info);
///         request.len()
///     })
/// }
/// assert_eq!(handle("hello"), 5);
/// ```
pub fn flush_on_return<R>(timeout: impl Into<Option<Duration>>, handler: impl FnOnce() -> R) -> R {
    let _flush = FlushOnDrop(timeout.into());
    handler()
}

/// As [`flush_on_return`], for a future; blocks no thread of the executor, whichever that is.
///
/// ```
/// use std::time::Duration;
///
/// async fn handle(request: String) -> usize {
///     sentry::capture_message("a request came in", sentry::Level::Info);
///     request.len()
/// }
/// # let _guard = sentry::init(());
/// let answer = sentry::flush_on_return_async(Duration::from_millis(500), handle("hello".to_owned()));
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # assert_eq!(runtime.block_on(answer), 5);
/// ```
pub async fn flush_on_return_async<F: Future>(timeout: impl Into<Option<Duration>>, handler: F) -> F::Output {
    let timeout = timeout.into();
    let mut handler = pin!(handler);
    // Nothing of the handler is used after a panic: it goes on when everything is sent.
    let result = std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    let client = Hub::current().client();
    if let Some(client) = client {
        client.flush_async(timeout).await;
    }
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Lets the SDK know when this process forks or exits.
pub(crate) fn watch(client: &Client) {
    if client.is_enabled() {
        hooks::watch();
    }
}

/// Sends what is pending and switches off, unless the guard has done so.
fn close() {
    if let Some(client) = sentry_core::process::client() {
        shutdown::close(&client);
    }
}

struct FlushOnDrop(Option<Duration>);

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        if let Some(client) = Hub::current().client() {
            client.flush(self.0);
        }
    }
}
