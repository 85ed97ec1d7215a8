//! A request as `actix` has it.

use actix_web::dev::ServiceRequest;
use sentry_core::ClientOptions;

use super::body;
use crate::served::{Head, Lookup, Seen};

pub(super) fn seen(request: &mut ServiceRequest, routes: Lookup, options: &ClientOptions) -> Seen {
    let body = body::copied(request, options);
    let (uri, headers) = (request.uri(), request.headers());
    let is_secure = request.app_config().secure();
    let head = Head {
        method: request.method().as_str(),
        target: uri.path_and_query().map_or_else(|| uri.path(), |path| path.as_str()),
        pattern: None,
        routes: Some(routes),
        scheme: uri.scheme_str().or_else(|| is_secure.then_some("https")),
        authority: uri.authority().map(|authority| authority.as_str()),
        peer: request.peer_addr().map(|peer| peer.ip()),
        body,
        names_events: true,
        with_pii: false,
        headers: headers.len(),
    };
    Seen::new(head, headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
}
