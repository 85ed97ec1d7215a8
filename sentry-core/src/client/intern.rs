//! Constants of clients, kept for the life of the process.
//!
//! Release, environment and SDK info stand in every event. Kept once as `'static`, an event borrows them instead of
//! copying. What is kept grows with the number of different values, not of clients or events.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::process::Held;
use crate::protocol::ClientSdkInfo;
use crate::sync::lock;

static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
static SDKS: Mutex<Vec<&'static ClientSdkInfo>> = Mutex::new(Vec::new());

/// Different values kept at most; beyond that they are copied as before.
const LIMIT: usize = 1_000;

/// For a fork.
pub(super) fn hold(held: &mut Held<'_>) {
    held.lock(&TEXTS);
    held.lock(&SDKS);
}

/// Turns an owned text into a borrowed one.
pub(super) fn text(value: &mut Option<Cow<'static, str>>) {
    let Some(Cow::Owned(owned)) = value else { return };
    let mut texts = lock(&TEXTS);
    let known = texts.get(owned.as_str()).copied();
    let kept = match known {
        Some(kept) => kept,
        None if texts.len() >= LIMIT => return,
        None => {
            let kept: &'static str = std::mem::take(owned).leak();
            texts.insert(kept);
            kept
        }
    };
    *value = Some(Cow::Borrowed(kept));
}

/// The SDK info, kept once.
pub(super) fn sdk(sdk: ClientSdkInfo) -> Cow<'static, ClientSdkInfo> {
    let mut sdks = lock(&SDKS);
    if let Some(kept) = sdks.iter().find(|kept| ***kept == sdk) {
        return Cow::Borrowed(kept);
    }
    if sdks.len() >= LIMIT {
        return Cow::Owned(sdk);
    }
    let kept: &'static ClientSdkInfo = Box::leak(Box::new(sdk));
    sdks.push(kept);
    Cow::Borrowed(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_kept_once() {
        let (mut a, mut b) = (Some(Cow::Owned("same".to_owned())), Some(Cow::Owned("same".to_owned())));
        text(&mut a);
        text(&mut b);
        let (Some(Cow::Borrowed(a)), Some(Cow::Borrowed(b))) = (a, b) else { panic!("both are borrowed") };
        assert!(std::ptr::eq(a, b));
    }
}
