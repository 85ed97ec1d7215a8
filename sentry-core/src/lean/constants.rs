//! What a client says in all its events.

use std::borrow::Cow;

use crate::protocol::{ClientSdkInfo, Event};
use crate::size::chunk;

/// The fields of an event that name where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Constants {
    pub(super) platform: Cow<'static, str>,
    pub(super) server_name: Option<Cow<'static, str>>,
    pub(super) release: Option<Cow<'static, str>>,
    pub(super) dist: Option<Cow<'static, str>>,
    pub(super) environment: Option<Cow<'static, str>>,
    pub(super) sdk: Option<Cow<'static, ClientSdkInfo>>,
}

impl Constants {
    /// Whether they are what `Event::default()` has.
    pub(super) fn is_blank(&self) -> bool {
        self.platform == "other" && self.sdk.is_none() && self.texts().all(|text| text.is_none())
    }

    pub(super) fn put_into(self, event: &mut Event<'static>) {
        let Self { platform, server_name, release, dist, environment, sdk } = self;
        event.platform = platform;
        event.server_name = server_name;
        event.release = release;
        event.dist = dist;
        event.environment = environment;
        event.sdk = sdk;
    }

    /// The bytes it holds beside itself.
    pub(super) fn size(&self) -> usize {
        let text = |text: &Cow<'_, str>| match text {
            Cow::Borrowed(_) => 0,
            Cow::Owned(text) => chunk(text.len()),
        };
        let sdk = match &self.sdk {
            Some(Cow::Owned(sdk)) => 64 + 64 * sdk.integrations.len() + 128 * sdk.packages.len(),
            _ => 0,
        };
        text(&self.platform) + self.texts().flatten().map(text).sum::<usize>() + sdk
    }

    fn texts(&self) -> impl Iterator<Item = Option<&Cow<'static, str>>> {
        [&self.server_name, &self.release, &self.dist, &self.environment].into_iter().map(Option::as_ref)
    }
}

impl PartialEq for Constants {
    fn eq(&self, other: &Self) -> bool {
        let same_sdk = match (&self.sdk, &other.sdk) {
            // That of a client is there once; its lists need not be compared.
            (Some(Cow::Borrowed(one)), Some(Cow::Borrowed(two))) if std::ptr::eq(*one, *two) => true,
            (one, two) => one == two,
        };
        same_sdk && self.platform == other.platform && self.texts().eq(other.texts())
    }
}
