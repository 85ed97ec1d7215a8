//! As much of HTTP/1.1 as an ingest server needs.

mod body;
mod request;
mod response;

pub use self::request::Request;
pub(crate) use self::{
    request::{ReadError, read},
    response::encode,
};
