//! `sentry::integrations::debug_images`: the modules that the process has loaded.

use std::fmt::Debug;

use sentry::Integration;
use sentry::integrations::debug_images::{DebugImagesIntegration, debug_images};
use sentry::protocol::{DebugImage, Event};

const _: fn() -> Vec<DebugImage> = debug_images;
const _: fn() -> DebugImagesIntegration = DebugImagesIntegration::new;
const _: fn(DebugImagesIntegration, fn(&Event<'_>) -> bool) -> DebugImagesIntegration =
    DebugImagesIntegration::filter;
implements!(DebugImagesIntegration: Debug + Default + Integration);
