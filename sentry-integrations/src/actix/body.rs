//! The body of a request, copied on its way to the handler.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::Bytes;
use futures_core::Stream;
use sentry_core::ClientOptions;
use sentry_core::options::HttpBody;

use crate::served::Body;

/// What has fields by which secrets are found. Nothing can be said about bodies of other types.
const READABLE: [&str; 2] = ["application/json", "application/x-www-form-urlencoded"];

/// Lets what the application reads of the body be copied, if the client may write it down. Who does not read it, does not wait
/// for it here either.
pub(super) fn copied(request: &mut ServiceRequest, options: &ClientOptions) -> Option<Arc<Body>> {
    let length = length(request.headers())?;
    let is_wanted = options.max_request_body_size.is_within_size_limit(length)
        && options.collects_body(HttpBody::IncomingRequest)
        && READABLE.iter().any(|readable| request.content_type().eq_ignore_ascii_case(readable));
    if !is_wanted {
        return None;
    }
    let body = Arc::new(Body::of_length(length)?);
    let copying = Copying { payload: request.take_payload(), body: Arc::clone(&body) };
    request.set_payload(Payload::Stream { payload: Box::pin(copying) });
    Some(body)
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body that is copied while it is read.
struct Copying {
    payload: Payload,
    body: Arc<Body>,
}

impl Stream for Copying {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let poll = Pin::new(&mut self.payload).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &poll {
            self.body.add(bytes);
        }
        poll
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.payload.size_hint()
    }
}
