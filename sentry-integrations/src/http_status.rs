//! What an HTTP status says about the work that led to it.

use http::StatusCode;
use sentry_core::protocol::SpanStatus;

pub(crate) fn of(code: StatusCode) -> SpanStatus {
    match code {
        StatusCode::UNAUTHORIZED => SpanStatus::Unauthenticated,
        StatusCode::FORBIDDEN => SpanStatus::PermissionDenied,
        StatusCode::NOT_FOUND => SpanStatus::NotFound,
        StatusCode::CONFLICT => SpanStatus::AlreadyExists,
        StatusCode::TOO_MANY_REQUESTS => SpanStatus::ResourceExhausted,
        StatusCode::NOT_IMPLEMENTED => SpanStatus::Unimplemented,
        StatusCode::SERVICE_UNAVAILABLE => SpanStatus::Unavailable,
        StatusCode::GATEWAY_TIMEOUT => SpanStatus::DeadlineExceeded,
        // Clients that have gone, in the logs of nginx.
        code if code.as_u16() == 499 => SpanStatus::Cancelled,
        code if code.is_client_error() => SpanStatus::InvalidArgument,
        code if code.is_server_error() => SpanStatus::InternalError,
        code if code.as_u16() < 400 => SpanStatus::Ok,
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
            assert_eq!(of(StatusCode::from_u16(code).unwrap()), status, "{code}");
        }
    }
}
