//! A body that reqwest takes.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use reqwest::Body;

use crate::sender::{BodyReader, Request};

/// What is read from a file at once. Reading it blocks the worker, which is ours, for no longer than the disk takes.
const PIECE: usize = 64 * 1024;

/// The body of `request`.
pub(super) fn of(request: Request) -> Body {
    if request.is_streamed() { Body::wrap(Pieces(request.into_reader())) } else { request.into_body().into() }
}

/// Reads as fast as it is sent.
struct Pieces(BodyReader);

impl http_body::Body for Pieces {
    // The bytes that reqwest wants.
    type Data = <Body as http_body::Body>::Data;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Self::Data>>>> {
        let mut piece = vec![0; PIECE];
        Poll::Ready(match self.0.read(&mut piece) {
            Ok(0) => None,
            Ok(count) => {
                piece.truncate(count);
                Some(Ok(Frame::data(piece.into())))
            }
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.left())
    }
}
