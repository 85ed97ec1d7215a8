//! A request as the types of `http` have it.

use ::http::Request;

use super::path::matched_path;
use crate::served::{Head, Seen};

#[inline]
pub(super) fn seen<B>(request: &Request<B>, with_pii: bool) -> Seen {
    let (uri, headers) = (request.uri(), request.headers());
    let head = Head {
        method: request.method().as_str(),
        target: uri.path_and_query().map_or_else(|| uri.path(), |path| path.as_str()),
        pattern: matched_path(request),
        routes: None,
        scheme: uri.scheme_str(),
        authority: uri.authority().map(|authority| authority.as_str()),
        peer: None,
        body: None,
        names_events: false,
        with_pii,
        headers: headers.len(),
    };
    Seen::new(head, headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
}
