//! The trait of integrations.

use std::any::Any;

use sentry::protocol::Event;
use sentry::{ClientOptions, Integration};

use crate::root::doubles::Nothing;

const _: fn(&dyn Integration) -> &'static str = Integration::name;
const _: fn(&dyn Integration, Event<'static>, &ClientOptions) -> Option<Event<'static>> =
    Integration::process_event;
const _: fn(&dyn Integration, &mut ClientOptions) = Integration::setup;
implements!(Nothing: Integration + Any + Send + Sync);

#[test]
fn the_provided_methods_name_the_type_and_keep_the_event() {
    let options = ClientOptions::default();
    assert!(Nothing.name().ends_with("Nothing"), "{}", Nothing.name());
    assert!(Nothing.process_event(Event::default(), &options).is_some());
}
