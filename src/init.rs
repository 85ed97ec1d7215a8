//! The one call that switches the SDK on.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use sentry_core::{
    Client, ClientOptions, Hub, OptionsError, TryIntoOptions, bind_process_client, diagnostics,
};

use crate::defaults::apply_defaults;
use crate::doctor::Lifetime;
use crate::{ending, native, shutdown};

/// Keeps the SDK on. Dropped, it sends what is pending, for `shutdown_timeout` at most, and switches the SDK off.
///
/// It may be dropped anywhere, in async code and in the destructor of a thread-local too. In async code it blocks the
/// thread meanwhile; awaiting [`close_async`](Client::close_async) before spares that.
///
/// Bind it to a name in `main`: `let _guard = sentry::init(..)`. With `let _ = ..` it is dropped at once.
#[must_use = "the SDK is switched off when the guard is dropped; bind it to a name, not to `_`"]
pub struct ClientInitGuard(Arc<Client>, Lifetime);

impl ClientInitGuard {
    /// Whether captures lead anywhere: there is a DSN, and a transport.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.0.is_enabled()
    }
}

impl Deref for ClientInitGuard {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl Drop for ClientInitGuard {
    fn drop(&mut self) {
        self.1.ends(&self.0);
        shutdown::close(&self.0);
        native::stop(&self.0);
    }
}

impl fmt::Debug for ClientInitGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientInitGuard").field(&self.0).finish()
    }
}

/// Switches the SDK on for the whole process, every thread and task, whenever they began.
///
/// Takes a DSN, a pair of a DSN and options, or options. Without a DSN, here or in `SENTRY_DSN`, everything stays
/// off and costs nothing. Rates outside `0..=1` are clamped with a warning. The last `init` of a process wins.
///
/// # Panics
///
/// If a DSN given in code is invalid. [`try_init`] returns the error instead.
///
/// ```
/// let _guard = sentry::init(("http://public@127.0.0.1:9/42", sentry::ClientOptions {
///     release: sentry::release_name!(),
///     ..Default::default()
/// }));
/// assert!(_guard.is_enabled());
/// ```
pub fn init<C>(options: C) -> ClientInitGuard
where
    C: Into<ClientOptions>,
{
    let options = options.into();
    if let Err(error) = options.validate() {
        diagnostics::warn_once("options", || format!("{error}; the value was clamped"));
    }
    start(options)
}

/// Like [`init`], for options that may be wrong because they come from a configuration file.
///
/// # Errors
///
/// If the DSN cannot be parsed, or a rate is out of its range. Nothing is switched on then.
///
/// ```
/// let error = sentry::try_init("https://sentry.io/42").unwrap_err();
/// assert!(error.is_dsn());
/// ```
pub fn try_init<C>(options: C) -> Result<ClientInitGuard, OptionsError>
where
    C: TryIntoOptions,
{
    options.try_into_options().map(start)
}

fn start(options: ClientOptions) -> ClientInitGuard {
    let client = Arc::new(Client::with_options(apply_defaults(options)));
    bind_process_client(Arc::clone(&client));
    ending::watch(&client);
    // Before anything of this run is sent: what a start that failed has left goes first.
    client.start(native::start(&client));
    #[cfg(feature = "release-health")]
    if client.options().auto_session_tracking
        && client.options().session_mode == sentry_core::SessionMode::Application
    {
        sentry_core::start_session();
    }
    if client.is_enabled() {
        Hub::continue_trace_from_environment();
        diagnostics::info(|| {
            let to = client.dsn().map_or_else(|| "no server".to_owned(), |dsn| format!("{dsn:?}"));
            format!("enabled sentry client for {to}")
        });
    } else {
        diagnostics::info(|| "sentry client disabled: no DSN or no transport".to_owned());
    }
    ClientInitGuard(client, Lifetime::begins())
}
