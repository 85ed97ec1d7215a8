//! What an HTTP status says about the work that led to it.

use sentry_core::protocol::SpanStatus;

pub(crate) fn of(code: u16) -> SpanStatus {
    match code {
        401 => SpanStatus::Unauthenticated,
        403 => SpanStatus::PermissionDenied,
        404 => SpanStatus::NotFound,
        409 => SpanStatus::AlreadyExists,
        429 => SpanStatus::ResourceExhausted,
        // Clients that have gone, in the logs of nginx.
        499 => SpanStatus::Cancelled,
        501 => SpanStatus::Unimplemented,
        503 => SpanStatus::Unavailable,
        504 => SpanStatus::DeadlineExceeded,
        0..400 => SpanStatus::Ok,
        400..500 => SpanStatus::InvalidArgument,
        500..600 => SpanStatus::InternalError,
        _ => SpanStatus::UnknownError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_codes() {
        let table = [
            (101, SpanStatus::Ok),
            (200, SpanStatus::Ok),
            (304, SpanStatus::Ok),
            (400, SpanStatus::InvalidArgument),
            (401, SpanStatus::Unauthenticated),
            (403, SpanStatus::PermissionDenied),
            (404, SpanStatus::NotFound),
            (409, SpanStatus::AlreadyExists),
            (418, SpanStatus::InvalidArgument),
            (429, SpanStatus::ResourceExhausted),
            (499, SpanStatus::Cancelled),
            (500, SpanStatus::InternalError),
            (501, SpanStatus::Unimplemented),
            (503, SpanStatus::Unavailable),
            (504, SpanStatus::DeadlineExceeded),
            (599, SpanStatus::InternalError),
            (600, SpanStatus::UnknownError),
        ];
        for (code, status) in table {
            assert_eq!(of(code), status, "{code}");
        }
    }
}
