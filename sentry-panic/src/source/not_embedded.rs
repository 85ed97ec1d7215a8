//! Without the feature `embed-source` there is no source code in the binary.

/// There is none.
pub(super) fn find(_path: &str) -> Option<Vec<u8>> {
    None
}
