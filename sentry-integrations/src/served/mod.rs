//! Requests that a server answers: what the integrations of web frameworks share, whichever crate has their types.
//!
//! ```text
//! Head, headers ─► Seen ─► Serving::begin ─► Watched ─► WatchedFuture ─► answered, failed, given up
//!                  one copy   hub, trace,     what ends      a hub
//!                             transaction,    with it        per poll
//!                             session
//! ```

mod begin;
#[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "others do not read bodies"))]
mod body;
mod future;
mod request;
#[cfg_attr(not(feature = "release-health"), path = "no_session.rs")]
mod session;
mod texts;
mod watched;

pub(crate) use self::begin::Serving;
pub(crate) use self::body::Body;
pub(crate) use self::future::WatchedFuture;
#[cfg_attr(
    not(feature = "actix"),
    expect(unused_imports, reason = "others know the route before they begin")
)]
pub(crate) use self::request::Lookup;
pub(crate) use self::request::{Head, Seen};
pub(crate) use self::watched::Watched;
