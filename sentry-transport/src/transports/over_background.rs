//! What the transports over HTTP have in common: all but their sender.

/// Makes `$name`, whose `inner` is an `Option<BackgroundTransport>`, a transport.
macro_rules! over_background {
    ($name:ident) => {
        impl sentry_core::Transport for $name {
            fn send_envelope(&self, envelope: sentry_core::protocol::Envelope) {
                if let Some(inner) = &self.inner {
                    inner.send_envelope(envelope);
                }
            }

            fn send(&self, outbound: sentry_core::Outbound) {
                if let Some(inner) = &self.inner {
                    inner.send(outbound);
                }
            }

            fn start(&self) -> sentry_core::LastRun {
                self.inner.as_ref().map_or(sentry_core::LastRun::Unknown, |inner| inner.start())
            }

            fn send_crashes(&self, timeout: std::time::Duration) -> bool {
                self.inner.as_ref().is_none_or(|inner| inner.send_crashes(timeout))
            }

            fn set_last_words(&self, envelope: Option<sentry_core::protocol::Envelope>) {
                if let Some(inner) = &self.inner {
                    inner.set_last_words(envelope);
                }
            }

            fn flush(&self, timeout: std::time::Duration) -> bool {
                self.inner.as_ref().is_none_or(|inner| inner.flush(timeout))
            }

            fn shutdown(&self, timeout: std::time::Duration) -> bool {
                self.inner.as_ref().is_none_or(|inner| inner.shutdown(timeout))
            }

            fn holds_for_consent(&self) -> bool {
                true
            }

            fn gather(&self, records: sentry_core::Gathered) -> bool {
                self.inner.as_ref().is_some_and(|inner| inner.gather(records))
            }

            fn records_wait(&self) {
                if let Some(inner) = &self.inner {
                    inner.records_wait();
                }
            }

            fn is_idle(&self) -> bool {
                self.inner.as_ref().is_none_or(|inner| inner.is_idle())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
