//! What the wire protocol asks for, checked on every request: each check adds a sentence for what it misses.

mod envelope;
mod event;
mod format;
mod item;
mod request;

pub(crate) use self::{envelope::check as envelope, event::values, request::check as request};
