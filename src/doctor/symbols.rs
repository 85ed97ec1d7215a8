//! Whether stack traces of this program can be read.

use sentry_panic::debug_images::{Readability, readability};

use super::report::Row;

/// What the binary itself brings, which is what one forgets until the first event arrives.
pub(super) fn row() -> Option<Row> {
    readability().map(|found| of(&found))
}

fn of(found: &Readability) -> Row {
    let id = match &found.build_id {
        Some(id) => format!("build id {id}"),
        None => "no build id".to_owned(),
    };
    match (found.has_lines, found.has_names, &found.build_id) {
        (true, _, Some(_)) => Row::ok(NAME, format!("names, files and lines; {id}")),
        // Nothing is missing as long as the server is not asked.
        (true, _, None) => Row::ok(NAME, format!("names, files and lines; {id}, which a server would need")),
        (false, true, Some(_)) => Row::warn(NAME, format!("names only, no line tables; {id}"), LINES),
        (false, false, Some(_)) => {
            Row::warn(NAME, format!("bare addresses: the binary is stripped; {id}"), UPLOAD)
        }
        (false, _, None) => Row::warn(
            NAME,
            "neither line tables nor a build id: nobody can tell where in the code an event comes from",
            BOTH,
        ),
    }
}

const NAME: &str = "symbols";
const LINES: &str = "set `debug = \"line-tables-only\"` in the release profile, or upload the debug file of this build id to the server";
const UPLOAD: &str = "upload the debug file of this build id to the server; or set `debug = \"line-tables-only\"` and \
     `strip = \"none\"` in the release profile";
const BOTH: &str = "set `debug = \"line-tables-only\"` and `strip = \"none\"` in the release profile, and link with \
     `-C link-arg=-Wl,--build-id`";

#[cfg(test)]
mod tests {
    use super::super::report::Status;
    use super::*;

    #[test]
    fn this_test_has_everything() {
        if cfg!(target_os = "linux") {
            assert_eq!(row().unwrap().status, Status::Ok);
        }
    }
}
