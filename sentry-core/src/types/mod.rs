//! Small types shared by every part of the SDK: the DSN and its pieces, authentication, identifiers.
//!
//! ```
//! use sentry_core::types::Dsn;
//!
//! let dsn: Dsn = "https://key@o123.ingest.example.com/42".parse()?;
//! assert_eq!(dsn.envelope_api_url().as_str(), "https://o123.ingest.example.com/api/42/envelope/");
//! // `Debug` is for logs and never shows a key; `Display` is the whole DSN.
//! assert_eq!(format!("{dsn:?}"), "https://<redacted>@o123.ingest.example.com/42");
//! # Ok::<(), sentry_core::types::ParseDsnError>(())
//! ```

mod auth;
mod dsn;
mod indexed_enum;
mod project_id;
pub mod protocol;
mod scheme;

pub use debugid::{BreakpadFormat, CodeId, DebugId, ParseCodeIdError, ParseDebugIdError};
pub use uuid::{Uuid, Variant as UuidVariant, Version as UuidVersion};

pub use self::auth::{Auth, ParseAuthError};
pub use self::dsn::{Dsn, ParseDsnError};
pub use self::indexed_enum::IndexedEnum;
pub(crate) use self::indexed_enum::wire_enum;
pub use self::project_id::{ParseProjectIdError, ProjectId};
pub use self::scheme::Scheme;

/// A random (version 4) UUID from the SDK's own fast generator.
#[must_use]
pub fn random_uuid() -> Uuid {
    crate::rng::uuid()
}

/// Keeps traits of ours from being implemented elsewhere.
pub(crate) mod private {
    #[expect(unnameable_types, reason = "a sealing trait must be public and out of reach")]
    pub trait Sealed {}
}
