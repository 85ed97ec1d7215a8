//! The cache directory: whether it can be used, and what waits in it.

use std::path::Path;
use std::time::Duration;

use sentry_core::ClientOptions;

use super::helper;
use super::report::Row;

#[cfg_attr(any(feature = "reqwest", feature = "ureq", feature = "curl"), path = "directory.rs")]
#[cfg_attr(not(any(feature = "reqwest", feature = "ureq", feature = "curl")), path = "no_directory.rs")]
mod directory;

const NAME: &str = "cache";

/// What was found in the directory.
type Finding = Result<Content, Fault>;

/// What waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    exists: bool,
    waiting: usize,
    bytes: u64,
    /// How long the oldest has been waiting.
    oldest: Option<Duration>,
    aside: usize,
}

/// Why the directory cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    what: String,
    fix: &'static str,
}

/// Looks into the directory, in `limit` at most: it may lie in a network that hangs.
pub(super) fn row(options: &ClientOptions, limit: Duration) -> Row {
    let Some(dir) = options.cache.dir.clone() else {
        return Row::skipped(NAME, "off: what cannot be sent is lost with the process; see `cache_dir`");
    };
    let shown = dir.display().to_string();
    match helper::run(limit, move || directory::examine(&dir)) {
        Ok(Ok(content)) => of_content(&shown, &content),
        Ok(Err(fault)) => {
            Row::warn(NAME, format!("{shown} {}: events stay in memory", fault.what), fault.fix)
        }
        Err(why) => Row::warn(
            NAME,
            format!("looking into {shown} {}", why.explain()),
            "choose a directory on a disk of this machine",
        ),
    }
}

fn of_content(shown: &str, content: &Content) -> Row {
    if !content.exists {
        return Row::ok(NAME, format!("{shown} is not there yet: the first start makes it"));
    }
    let Content { waiting, bytes, oldest, aside, .. } = content;
    let mut detail = format!("{shown}: {waiting} waiting");
    if *waiting > 0 {
        let since = oldest.map(|oldest| format!(", the oldest for {}", span(oldest))).unwrap_or_default();
        detail.push_str(&format!(" ({bytes} bytes{since})"));
    }
    if *aside == 0 {
        return Row::ok(NAME, detail);
    }
    Row::warn(
        NAME,
        format!("{detail}, {aside} set aside"),
        "they are damaged, or ended every process that sent them: look with `sentry::spool::show`, remove with `purge`",
    )
}

/// In the largest unit of which there are two.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Whether it lies in a directory in which everybody may put another one in its place.
#[cfg(unix)]
fn is_replaceable(dir: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    let parent =
        dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // Writable for all, and not sticky as /tmp is.
    std::fs::metadata(parent).is_ok_and(|parent| parent.permissions().mode() & 0o1002 == 0o002)
}

#[cfg(not(unix))]
fn is_replaceable(_dir: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::super::report::Status;
    use super::*;

    #[test]
    fn spans_are_told_in_the_unit_that_fits() {
        for (seconds, text) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_waits_is_told_and_what_was_set_aside_is_a_warning() {
        let content = Content {
            exists: true,
            waiting: 3,
            bytes: 4_711,
            oldest: Some(Duration::from_secs(7_300)),
            aside: 0,
        };
        let row = of_content("dir", &content);
        assert_eq!(row.detail, "dir: 3 waiting (4711 bytes, the oldest for 2 h)");
        assert_eq!(row.status, Status::Ok);
        let row = of_content("dir", &Content { aside: 2, ..content });
        assert!(row.status == Status::Warn && row.detail.ends_with(", 2 set aside"), "{row:?}");
        let empty = Content { exists: true, ..Content::default() };
        assert_eq!(of_content("dir", &empty).detail, "dir: 0 waiting");
    }

    #[test]
    fn without_a_directory_there_is_nothing_to_examine() {
        let row = row(&ClientOptions::new(), Duration::from_secs(10));
        assert_eq!(row.status, Status::Skipped);
    }
}
