//! The operating system, read from the files every process may read.

use std::fs::read_to_string;

use sentry_core::protocol::{Context, OsContext};

pub(super) fn context() -> Option<Context> {
    let os = match std::env::consts::OS {
        "linux" => linux(),
        "macos" => mac(&read_to_string("/System/Library/CoreServices/SystemVersion.plist").ok()?),
        other => OsContext { name: Some(other.to_owned()), ..OsContext::default() },
    };
    Some(os.into())
}

fn linux() -> OsContext {
    let release =
        ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| read_to_string(path).ok());
    let (name, version) = release.as_deref().map(parse_os_release).unwrap_or_default();
    OsContext {
        name: name.or_else(|| Some("Linux".to_owned())),
        version,
        kernel_version: read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
        ..OsContext::default()
    }
}

/// `NAME` and `VERSION_ID` of an os-release file.
fn parse_os_release(text: &str) -> (Option<String>, Option<String>) {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        let value = line.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| value.to_owned())
    };
    (value("NAME"), value("VERSION_ID"))
}

fn mac(plist: &str) -> OsContext {
    let value = |key: &str| {
        let rest = plist.split_once(&format!("<key>{key}</key>"))?.1;
        let value = rest.split_once("<string>")?.1.split_once("</string>")?.0;
        Some(value.to_owned())
    };
    OsContext {
        name: value("ProductName").or_else(|| Some("macOS".to_owned())),
        version: value("ProductVersion"),
        build: value("ProductBuildVersion"),
        ..OsContext::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_parsed() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\n";
        assert_eq!(parse_os_release(text), (Some("Debian GNU/Linux".into()), Some("12".into())));
        assert_eq!(parse_os_release("NAME=\n=,,:"), (None, None));
    }

    #[test]
    fn the_mac_version_file_is_parsed() {
        let plist = "<dict><key>ProductName</key>\n<string>macOS</string><key>ProductVersion</key><string>14.2</string>";
        let os = mac(plist);
        assert_eq!((os.name.as_deref(), os.version.as_deref()), (Some("macOS"), Some("14.2")));
    }
}
