//! Language, region and time zone of the program.

use std::path::Path;

use sentry_core::options::env_text;
use sentry_core::protocol::{Context, CultureContext};

pub(super) fn context() -> Option<Context> {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(env_text);
    let culture = CultureContext {
        locale: locale.as_deref().and_then(parse_locale),
        timezone: time_zone(),
        ..CultureContext::default()
    };
    (culture != CultureContext::default()).then(|| culture.into())
}

/// `en_US.UTF-8` as `en-US`. The locales `C` and `POSIX` are those of nobody.
fn parse_locale(text: &str) -> Option<String> {
    let name = text.split(['.', '@']).next()?;
    let is_well_formed = name.len() <= 35
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (is_well_formed && !matches!(name, "" | "C" | "POSIX")).then(|| name.replace('_', "-"))
}

/// What `TZ` says counts even if it is no name.
fn time_zone() -> Option<String> {
    if let Some(text) = env_text("TZ") {
        return parse_zone(text.trim_start_matches(':'));
    }
    let linked = std::fs::read_link("/etc/localtime").ok();
    let linked = linked.as_deref().and_then(Path::to_str).and_then(parse_zone);
    linked.or_else(|| parse_zone(std::fs::read_to_string("/etc/timezone").ok()?.trim()))
}

/// The name of a zone in the tz database, or a path to its file.
fn parse_zone(text: &str) -> Option<String> {
    let name = text.rsplit_once("zoneinfo/").map_or(text, |(_, name)| name);
    let name = name.strip_prefix("posix/").or_else(|| name.strip_prefix("right/")).unwrap_or(name);
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+');
    // `CET-1CEST` is a rule, and a path to something else is none of ours.
    let is_name = name.contains('/') || name.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_well_formed =
        name.len() <= 64 && name.bytes().all(is_word) && name.starts_with(|c: char| c.is_ascii_uppercase());
    (is_name && is_well_formed).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_a_language_and_a_region() {
        let table = [("en_US.UTF-8", Some("en-US")), ("de_AT@euro", Some("de-AT")), ("nb", Some("nb"))];
        for (text, expected) in table {
            assert_eq!(parse_locale(text).as_deref(), expected);
        }
        for text in ["", "C", "C.UTF-8", "POSIX", "../../x", ",,,:;:"] {
            assert_eq!(parse_locale(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_zone_has_a_name_or_none() {
        let table = [
            ("Europe/Oslo", "Europe/Oslo"),
            ("UTC", "UTC"),
            ("/usr/share/zoneinfo/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("../usr/share/zoneinfo/posix/Etc/GMT+1", "Etc/GMT+1"),
        ];
        for (text, expected) in table {
            assert_eq!(parse_zone(text).as_deref(), Some(expected));
        }
        for text in ["", "CET-1CEST,M3.5.0,M10.5.0/3", "/home/me/zone", "../x", ",,,:;:"] {
            assert_eq!(parse_zone(text), None, "{text}");
        }
    }
}
