//! Whether a trace from outside is continued. Rule of protocol.md 9.3.

use crate::protocol::OrganizationId;

/// Whether a trace of the organization `theirs` may be continued by a client of the organization `ours`.
pub(in crate::trace) fn continues(theirs: Option<&str>, ours: Option<OrganizationId>, strict: bool) -> bool {
    match (theirs, ours) {
        (Some(theirs), Some(ours)) => theirs == ours.to_string(),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => !strict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_organizations() {
        let ours = Some(OrganizationId::from(1));
        let table = [
            (Some("1"), ours, true, true),
            (Some("1"), None, true, false),
            (None, ours, true, false),
            (None, None, true, true),
            (Some("2"), ours, false, false),
            (Some(""), ours, false, false),
            (Some("x"), ours, false, false),
        ];
        for (theirs, ours, lenient, strict) in table {
            assert_eq!(continues(theirs, ours, false), lenient, "{theirs:?} {ours:?}");
            assert_eq!(continues(theirs, ours, true), strict, "{theirs:?} {ours:?} strict");
        }
    }
}
