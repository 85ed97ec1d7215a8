//! Names that servers accept only in a certain form: what would be refused is made into what is not.

use std::borrow::Cow;

use sentry_core::protocol::Map;

use super::caps::SLUG;
use super::visit::Visit;
use crate::scrub::trail::Trail;

/// Bytes of a release.
const RELEASE: usize = 200;
/// Bytes of an environment or a distribution.
const ENVIRONMENT: usize = 64;

/// A release: no slashes and no line breaks, at most 200 bytes, and not one of the words that stand for others.
pub(super) fn release(visit: &mut Visit<'_>, release: &mut Option<Cow<'static, str>>) {
    let is_reserved = |name: &str| matches!(name.trim(), "" | "." | ".." | "latest");
    name(visit, ("release", RELEASE), release, is_reserved, is_allowed);
}

/// An environment likewise, at most 64 bytes.
pub(super) fn environment(visit: &mut Visit<'_>, environment: &mut Option<Cow<'static, str>>) {
    let is_reserved = |name: &str| matches!(name.trim(), "" | "." | ".." | "None");
    name(visit, ("environment", ENVIRONMENT), environment, is_reserved, is_allowed);
}

/// A distribution: letters, digits, `_`, `.` and `-`.
pub(super) fn dist(visit: &mut Visit<'_>, dist: &mut Option<Cow<'static, str>>) {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    name(visit, ("dist", ENVIRONMENT), dist, str::is_empty, is_allowed);
}

/// The slug of a monitor: letters, digits, `_` and `-`, at most 50.
pub(super) fn slug(slug: &mut String) {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if slug.len() > SLUG || !slug.bytes().all(is_allowed) {
        *slug = fit(slug, SLUG, is_allowed);
    }
}

/// Releases and environments of items without a place for remarks.
pub(super) fn plain_release(name: &mut Cow<'_, str>) {
    if name.len() > RELEASE || !name.bytes().all(is_allowed) {
        *name = Cow::Owned(fit(name, RELEASE, is_allowed));
    }
}

/// As [`plain_release`].
pub(super) fn plain_environment(name: &mut Cow<'_, str>) {
    if name.len() > ENVIRONMENT || !name.bytes().all(is_allowed) {
        *name = Cow::Owned(fit(name, ENVIRONMENT, is_allowed));
    }
}

/// Tags: keys of `a-zA-Z0-9_.:-`, values of one line, both of 200 characters at most.
pub(super) fn tags(visit: &mut Visit<'_>, at: &Trail<'_>, tags: &mut Map<String, String>) {
    let most = visit.caps.tag;
    let (mut left, length) = (visit.caps.tags, tags.len());
    let mut end = None;
    let mut strange = Vec::new();
    for (key, value) in tags.iter_mut() {
        let cost = key.len().min(most.chars) + value.len().min(most.chars) + 6;
        if cost > left {
            end = Some(key.clone());
            break;
        }
        left -= cost;
        visit.text(at, key, value, most);
        visit.count(key.len());
        if value.contains('\n') {
            *value = value.replace('\n', " ");
        }
        if value.is_empty() || key.len() > most.chars || !is_key(key) {
            strange.push(key.clone());
        }
    }
    if let Some(end) = end {
        tags.split_off(&end).keys().for_each(|key| visit.notes.forget(at, key));
        visit.count_cut();
        visit.notes.shortened(at, length, tags.len());
    }
    for key in strange {
        let Some(value) = tags.remove(&key) else { continue };
        visit.notes.forget(at, &key);
        visit.count_cut();
        let better = fit(&key, most.chars, is_key_byte);
        // What is empty is refused, and what is there already is worth more.
        if !value.is_empty() && !better.is_empty() {
            tags.entry(better).or_insert(value);
        }
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(is_key_byte)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-')
}

fn is_allowed(byte: u8) -> bool {
    !matches!(byte, b'/' | b'\\' | b'\n' | b'\r' | b'\t' | 0x0c)
}

fn name(
    visit: &mut Visit<'_>,
    (field, most): (&str, usize),
    name: &mut Option<Cow<'static, str>>,
    is_reserved: impl Fn(&str) -> bool,
    is_allowed: impl Fn(u8) -> bool + Copy,
) {
    let Some(text) = name else { return };
    visit.count_text(text);
    if text.len() <= most && text.bytes().all(is_allowed) && !is_reserved(text) {
        return;
    }
    let root = Trail::ROOT;
    let at = root.name(field);
    let length = text.chars().count();
    visit.count_cut();
    if is_reserved(text) {
        *name = None;
        visit.notes.gone(&at, length);
        return;
    }
    let fitting = fit(text, most, is_allowed);
    let (start, end) = (if length > most { fitting.len() } else { 0 }, fitting.len());
    *text = Cow::Owned(fitting);
    visit.notes.cut(&at, (start, end), length);
}

/// The beginning of `text` in so many bytes, with `-` (or `_` where that is better known) for what is not allowed.
fn fit(text: &str, most: usize, is_allowed: impl Fn(u8) -> bool) -> String {
    let mut fitting = String::with_capacity(text.len().min(most));
    let mut buffer = [0; 4];
    for char in text.chars() {
        let is_fine = char.encode_utf8(&mut buffer).bytes().all(&is_allowed);
        let char = if is_fine { char } else { '-' };
        if fitting.len() + char.len_utf8() > most {
            break;
        }
        fitting.push(char);
    }
    fitting
}
