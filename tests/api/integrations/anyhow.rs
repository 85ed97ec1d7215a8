//! `sentry::integrations::anyhow`: errors of `anyhow`.

use sentry::Hub;
use sentry::integrations::anyhow::{AnyhowHubExt, capture_anyhow, event_from_error};
use sentry::protocol;
use sentry::types::Uuid;

const _: fn(&anyhow::Error) -> Uuid = capture_anyhow;
const _: fn(&anyhow::Error) -> protocol::Event<'static> = event_from_error;
const _: fn(&Hub, &anyhow::Error) -> Uuid = Hub::capture_anyhow;
const _: fn(&Hub, &anyhow::Error) -> Uuid = AnyhowHubExt::capture_anyhow;
implements!(Hub: AnyhowHubExt);

/// As the documentation of the published crate has it.
#[test]
fn an_error_is_captured() {
    let failed = || -> anyhow::Result<()> { Err(anyhow::anyhow!("it broke")) };
    let events = sentry::test::with_captured_events(|| {
        if let Err(error) = failed() {
            capture_anyhow(&error);
            Hub::current().capture_anyhow(&error);
        }
    });
    let values = events.iter().map(|event| event.exception[0].value.as_deref());
    assert_eq!(values.collect::<Vec<_>>(), [Some("it broke"); 2]);
}
