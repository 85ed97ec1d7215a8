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
    let release = release.unwrap_or_default();
    let other = [
        ("distribution_name", "ID"),
        ("distribution_version", "VERSION_ID"),
        ("distribution_pretty_name", "PRETTY_NAME"),
    ];
    let other =
        other.into_iter().filter_map(|(name, key)| Some((name.to_owned(), value_of(&release, key)?.into())));
    OsContext {
        name: value_of(&release, "NAME").or_else(|| Some("Linux".to_owned())),
        version: value_of(&release, "VERSION_ID"),
        other: other.collect(),
        kernel_version: read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
        ..OsContext::default()
    }
}

/// A value of an os-release file.
fn value_of(text: &str, key: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    let value = line.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
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
        let value = |key| value_of(text, key);
        assert_eq!(value("NAME").as_deref(), Some("Debian GNU/Linux"));
        assert_eq!(value("VERSION_ID").as_deref(), Some("12"));
        assert_eq!((value("ID"), value_of("NAME=\n=,,:", "NAME")), (None, None));
    }

    #[test]
    fn the_mac_version_file_is_parsed() {
        let plist = "<dict><key>ProductName</key>\n<string>macOS</string><key>ProductVersion</key><string>14.2</string>";
        let os = mac(plist);
        assert_eq!((os.name.as_deref(), os.version.as_deref()), (Some("macOS"), Some("14.2")));
    }
}
