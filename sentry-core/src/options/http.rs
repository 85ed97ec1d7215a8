//! How requests reach the server.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Looks up the addresses of a host. Runs on a thread of the SDK and may block.
pub type Resolver = Arc<dyn Fn(&str) -> std::io::Result<Vec<SocketAddr>> + Send + Sync>;

/// Options of the senders that speak HTTP. A client or agent that the application brings itself has its own.
///
/// ```
/// use std::time::Duration;
/// use sentry_core::ClientOptions;
/// use sentry_core::options::HttpOptions;
///
/// let options = ClientOptions::new().http(HttpOptions {
///     connect_timeout: Duration::from_secs(2),
///     no_proxy: Some("localhost,.internal.example".into()),
///     ..Default::default()
/// });
/// assert_eq!(options.http.request_timeout, Duration::from_secs(15));
/// ```
// Not `#[non_exhaustive]`, like `ClientOptions`: it is filled in with `..Default::default()`.
#[derive(Clone)]
#[must_use]
pub struct HttpOptions {
    /// How long one request may take, from the lookup of the name to the end of the answer. Large bodies get more.
    pub request_timeout: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How many requests may be under way at once; `None` leaves it to the latency of the server.
    pub max_in_flight: Option<NonZeroUsize>,
    /// Hosts that are reached without a proxy, as in `NO_PROXY`: names, `.suffixes`, addresses, networks or `*`,
    /// separated by commas.
    pub no_proxy: Option<Cow<'static, str>>,
    /// Certificates (PEM) to trust besides those of the platform.
    pub ca_certificates: Vec<Cow<'static, [u8]>>,
    /// A certificate with its private key (PEM) for servers that ask who is there.
    pub client_identity: Option<Cow<'static, [u8]>>,
    /// Looks up names instead of the platform.
    pub resolver: Option<Resolver>,
    /// A unix socket to connect to, whatever the DSN says: a Relay on this machine.
    pub unix_socket: Option<PathBuf>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            max_in_flight: None,
            no_proxy: None,
            ca_certificates: Vec::new(),
            client_identity: None,
            resolver: None,
            unix_socket: None,
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("request_timeout", &self.request_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_in_flight", &self.max_in_flight)
            .field("no_proxy", &self.no_proxy)
            .field("ca_certificates", &self.ca_certificates.len())
            .field("client_identity", &self.client_identity.is_some())
            .field("resolver", &self.resolver.is_some())
            .field("unix_socket", &self.unix_socket)
            .finish()
    }
}
