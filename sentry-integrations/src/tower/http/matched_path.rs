//! The pattern of a route, where `axum` knows it.

use ::http::Request;
use axum::extract::MatchedPath;

pub(super) fn matched_path<B>(request: &Request<B>) -> Option<&str> {
    request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)
}
