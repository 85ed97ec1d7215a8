//! HTTP requests: their trace, their transaction, and what events tell about them.

mod future;
mod layer;
#[cfg_attr(feature = "axum-matched-path", path = "matched_path.rs")]
#[cfg_attr(not(feature = "axum-matched-path"), path = "no_matched_path.rs")]
mod path;
mod request;
mod service;

pub use self::future::SentryHttpFuture;
pub use self::layer::SentryHttpLayer;
pub use self::service::SentryHttpService;
