//! Without a transport of ours nothing is kept on disk.

use std::path::Path;

use super::{Fault, Finding};

pub(super) fn examine(dir: &Path) -> Finding {
    let _ = super::is_replaceable(dir);
    Err(Fault {
        what: "is not used without one of the features reqwest, ureq and curl".to_owned(),
        fix: "switch one of them on, or take `cache_dir` out",
    })
}
