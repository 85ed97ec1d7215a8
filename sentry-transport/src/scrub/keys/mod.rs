//! Which names mean that the value beside them is a secret.
//!
//! Names that come from the wire (headers, cookies, parameters, fields of bodies) are judged by their parts, as protocol
//! section 11.3 demands: `X-Csrftoken` is a secret. Names that the application chose are judged by whole words, or
//! `author`, `monkey` and `session_count` would be secrets as well.

mod names;
mod words;

pub(super) use self::names::{Names, Secrecy};
