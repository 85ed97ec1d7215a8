//! What the examination found.

use std::fmt;

/// The findings, one row each.
#[derive(Clone, Debug)]
pub struct Report {
    rows: Vec<Row>,
}

/// One finding.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// What was examined: `dsn`, `dns`, `tcp`, `tls`, `event`, …
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Status {
    /// As it should be.
    Ok,
    /// Could not be examined, or does not matter here.
    Skipped,
    /// Works, but perhaps not as intended.
    Warn,
    /// The reason, or one of the reasons, why nothing arrives.
    Fail,
}

impl Report {
    pub(super) fn new(rows: Vec<Row>) -> Self {
        Self { rows }
    }

    /// Whether nothing stands in the way of an event. Warnings do not.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The findings, in the order in which they were made.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The finding of this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// What stands in the way.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.status == Status::Fail)
    }
}

impl Row {
    pub(super) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, detail: printable(&detail.into()), fix: None }
    }

    pub(super) fn skipped(name: &'static str, detail: impl Into<String>) -> Self {
        Self { status: Status::Skipped, ..Self::ok(name, detail) }
    }

    pub(super) fn warn(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Warn, fix: Some(fix.into()), ..Self::ok(name, detail) }
    }

    pub(super) fn fail(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Fail, ..Self::warn(name, detail, fix) }
    }

    /// A failure that did not keep the event from arriving.
    pub(super) fn forgiven(mut self) -> Self {
        if self.status == Status::Fail {
            self.status = Status::Warn;
            self.detail.push_str("; the event arrived nevertheless, by a way of its transport's own");
        }
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
        for row in &self.rows {
            writeln!(f, "{:<4}  {:<width$}  {}", row.status, row.name, row.detail)?;
            if let Some(fix) = &row.fix {
                writeln!(f, "{:<4}  {:<width$}  -> {fix}", "", "")?;
            }
        }
        match self.failures().count() {
            0 => f.write_str("healthy: the server accepts events"),
            1 => f.write_str("1 problem keeps events from arriving"),
            count => write!(f, "{count} problems keep events from arriving"),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Skipped => "-",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

/// Text of others, safe for a terminal.
fn printable(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().take(400).map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_every_problem_says_what_to_do() {
        let report = Report::new(vec![
            Row::ok("dsn", "http://<redacted>@host/42"),
            Row::fail("event", "status 404: \u{1b}[2Jnothing here", "check the project id"),
        ]);
        assert_eq!(
            report.to_string(),
            "ok    dsn    http://<redacted>@host/42\n\
             FAIL  event  status 404: \\u{1b}[2Jnothing here\n\
             \x20            -> check the project id\n\
             1 problem keeps events from arriving"
        );
        assert!(!report.is_healthy());
    }

    #[test]
    fn what_did_not_hurt_is_a_warning() {
        let row = Row::fail("dns", "no such host", "check the host").forgiven();
        assert_eq!(row.status, Status::Warn);
        assert!(Report::new(vec![row]).is_healthy());
    }
}
