//! Breadcrumbs.

use std::fmt::Debug;
use std::time::SystemTime;

use sentry::IntoBreadcrumbs;
use sentry::protocol::{Breadcrumb, Level, Map, Value};

fields!(Breadcrumb {
    category: Option<String>,
    data: Map<String, Value>,
    level: Level,
    message: Option<String>,
    timestamp: SystemTime,
    ty: String,
});
implements!(Breadcrumb: Clone + Debug + Default + IntoBreadcrumbs + PartialEq);
wire!(Breadcrumb);
