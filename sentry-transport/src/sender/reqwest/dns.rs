//! A lookup of names that the application brings.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use sentry_core::options::Resolver;
use sentry_core::suppress;

/// Asks the application's function, which may block, on a thread made for that.
pub(super) struct Dns(Resolver);

impl Dns {
    pub(super) fn new(resolver: &Resolver) -> Self {
        Self(Resolver::clone(resolver))
    }
}

impl Resolve for Dns {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Resolver::clone(&self.0);
        // The timeout of the connection covers it; a function that never returns keeps its thread and nothing else.
        let lookup = tokio::task::spawn_blocking(move || {
            let looked_up = || suppress(|| resolver(name.as_str()));
            catch_unwind(AssertUnwindSafe(looked_up))
                .unwrap_or_else(|_| Err(io::Error::other("the resolver panicked")))
        });
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = lookup.await.map_err(io::Error::other)??;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
