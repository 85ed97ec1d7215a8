//! What can be handed over as a DSN.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use sentry::IntoDsn;
use sentry::types::{Dsn, ParseDsnError};

const _: fn(&'static str) -> Result<Option<Dsn>, ParseDsnError> = IntoDsn::into_dsn;

implements!((): IntoDsn);
implements!(&'static str: IntoDsn);
implements!(Cow<'static, str>: IntoDsn);
implements!(String: IntoDsn);
implements!(&'static OsStr: IntoDsn);
implements!(OsString: IntoDsn);
implements!(Dsn: IntoDsn);
implements!(&'static Dsn: IntoDsn);
implements!(Option<&'static str>: IntoDsn);
implements!(Option<Option<OsString>>: IntoDsn);
