//! What the middleware is asked to do.

use std::error::Error as StdError;
use std::sync::Arc;

use actix_web::Error;
use sentry_core::Hub;

use super::Sentry;

/// Builds a [`Sentry`].
#[derive(Debug)]
#[must_use = "`finish()` gives the middleware"]
pub struct SentryBuilder {
    pub(super) sentry: Sentry,
}

impl SentryBuilder {
    /// The middleware.
    #[must_use]
    pub fn finish(self) -> Sentry {
        self.sentry
    }

    /// Lets the hubs of requests begin with what `hub` has.
    pub fn with_hub(mut self, hub: Arc<Hub>) -> Self {
        self.sentry.hub = Some(hub);
        self
    }

    /// Lets the hubs of requests begin with what [`Hub::main`] has at that time. The default.
    pub fn with_default_hub(mut self) -> Self {
        self.sentry.hub = None;
        self
    }

    /// Whether each request is a transaction. Not by default.
    pub fn start_transaction(mut self, start_transaction: bool) -> Self {
        self.sentry.with_transaction = start_transaction;
        self
    }

    /// Whether the id of the event goes with the answer as the header `x-sentry-event`. Not by default.
    ///
    /// It is that of the error behind the answer, as 32 hexadecimal digits. An answer that another middleware makes of an
    /// error, outside of this one, goes without.
    pub fn emit_header(mut self, emit_header: bool) -> Self {
        self.sentry.errors.emit_header = emit_header;
        self
    }

    /// Whether the errors behind answers of 500 and above are captured. By default they are.
    ///
    /// An answer that was made without an error, such as `HttpResponse::InternalServerError()`, has nothing to be captured.
    pub fn capture_server_errors(mut self, capture_server_errors: bool) -> Self {
        self.sentry.errors.are_captured = capture_server_errors;
        self
    }

    /// Says which error of the standard library is behind one of `actix`, so that events tell its sources too.
    ///
    /// `actix` keeps of an error how it is displayed, and hides its sources. Those of a `Box<dyn Error>` are found without
    /// this; for types of the application it has to be told. `find` runs for each error that is captured.
    ///
    /// ```
    /// use std::fmt;
    /// use actix_web::ResponseError;
    /// use sentry_integrations::actix::Sentry;
    ///
    /// #[derive(Debug)]
    /// struct Broken(std::num::ParseIntError);
    /// # impl fmt::Display for Broken {
    /// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    /// #         f.write_str("broken")
    /// #     }
    /// # }
    ///
    /// impl std::error::Error for Broken {
    ///     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
    ///         Some(&self.0)
    ///     }
    /// }
    ///
    /// impl ResponseError for Broken {}
    ///
    /// let sentry = Sentry::builder().error_chain(|error| Some(error.as_error::<Broken>()?)).finish();
    /// ```
    pub fn error_chain<F>(mut self, find: F) -> Self
    where
        F: Fn(&Error) -> Option<&(dyn StdError + 'static)> + Send + Sync + 'static,
    {
        self.sentry.errors.find = Some(Arc::new(find));
        self
    }
}
