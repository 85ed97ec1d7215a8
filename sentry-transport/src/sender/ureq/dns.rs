//! Lookups of names: by the application's function, or by the platform.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sentry_core::options;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Asks the application's function, if there is one.
pub(super) struct Dns(pub(super) Option<options::Resolver>);

impl Resolver for Dns {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let Some(function) = &self.0 else {
            // A lookup that failed is told as an error of the network, and could be taken for a cut connection.
            let found = DefaultResolver::default().resolve(uri, config, timeout);
            return found.map_err(|error| if let Error::Io(_) = error { Error::HostNotFound } else { error });
        };
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let found = catch_unwind(AssertUnwindSafe(|| function(host))).map_err(|_| Error::HostNotFound)?;
        let mut addresses = self.empty();
        // As with reqwest: a port of 0 stands for the port of the address that is asked for.
        for mut address in found.map_err(|_| Error::HostNotFound)?.into_iter().take(16) {
            if address.port() == 0 {
                address.set_port(port);
            }
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns").finish_non_exhaustive()
    }
}
