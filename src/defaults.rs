//! What `init` fills in where the application said nothing.

use std::borrow::Cow;
use std::sync::Arc;

use sentry_core::{ClientOptions, Integration};

/// Fills in defaults: the transport, scrubbing, the default integrations, and what the environment says.
///
/// What is set in code always wins. `init` calls it; call it yourself to build a client by hand.
///
/// ```
/// let options = sentry::apply_defaults(sentry::ClientOptions::new().release("app@1.2.3"));
/// assert_eq!(options.release.as_deref(), Some("app@1.2.3"));
/// assert!(options.environment.is_some());
/// ```
pub fn apply_defaults(mut options: ClientOptions) -> ClientOptions {
    options = sentry_core::options::apply_env(options);
    if options.environment.is_none() {
        let name = if cfg!(debug_assertions) { "development" } else { "production" };
        options.environment = Some(Cow::Borrowed(name));
    }
    #[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
    if options.transport.is_none() {
        options.transport = Some(Arc::new(crate::transports::DefaultTransportFactory));
    }
    #[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
    {
        options = with_copies(options);
    }
    options.finish = Some(Arc::new(sentry_transport::LastStage::after(options.finish.take())));
    #[cfg(feature = "backtrace")]
    if options.stack_source.is_none() {
        options.stack_source = Some(Arc::new(sentry_panic::NativeStackSource::for_options(&options)));
    }
    if options.default_integrations {
        let mut integrations = default_integrations();
        integrations.extend(crate::native::integration());
        integrations.append(&mut options.integrations);
        options.integrations = integrations;
    }
    options
}

/// Sends copies where `also_send_to` and `spotlight` say.
#[cfg(any(feature = "reqwest", feature = "ureq", feature = "curl"))]
fn with_copies(mut options: ClientOptions) -> ClientOptions {
    use sentry_core::{EventSamplingStrategy, TracesSamplingStrategy};

    let spotlight = options.spotlight.is_on();
    if !spotlight && options.also_send_to.is_empty() {
        return options;
    }
    let Some(inner) = options.transport.take() else { return options };
    if spotlight && options.dsn.is_none() && inner.needs_dsn(&options) {
        // Nothing leaves the machine: there is nothing to save, and nobody to keep anything from.
        options.event_sampling_strategy = EventSamplingStrategy::FixedRate(1.0);
        options.traces_sampling_strategy = TracesSamplingStrategy::FixedRate(1.0);
        options.send_default_pii = true;
    }
    options.transport = Some(Arc::new(sentry_transport::FanOutFactory::new(inner)));
    options
}

fn default_integrations() -> Vec<Arc<dyn Integration>> {
    vec![
        #[cfg(feature = "backtrace")]
        Arc::new(crate::integrations::backtrace::AttachStacktraceIntegration::new()),
        #[cfg(feature = "debug-images")]
        Arc::new(crate::integrations::debug_images::DebugImagesIntegration::new()),
        #[cfg(feature = "contexts")]
        Arc::new(crate::integrations::contexts::ContextIntegration::new()),
        #[cfg(feature = "panic")]
        Arc::new(crate::integrations::panic::PanicIntegration::new()),
        #[cfg(feature = "backtrace")]
        Arc::new(crate::integrations::backtrace::ProcessStacktraceIntegration::new()),
    ]
}
