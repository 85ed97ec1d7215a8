//! `sentry::client_report`: how a transport tells what it lost.

use std::fmt::Debug;

use sentry::client_report::{Reason, Recorder};
use sentry::protocol::{Envelope, Event};

const _: fn(Reason) = |value| match value {
    Reason::InternalError
    | Reason::NetworkError
    | Reason::QueueOverflow
    | Reason::RatelimitBackoff
    | Reason::SendError => {}
    _ => {}
};
implements!(Reason: Copy + Debug);

const _: fn(&Recorder, &Event<'static>, Reason) = Recorder::record_lost_data;
const _: fn(&Recorder, &Envelope, Reason) = Recorder::record_lost_data;
implements!(Recorder: Clone + Debug + Default + Send + Sync);

#[test]
fn a_transport_records_what_it_lost() {
    Recorder::default().record_lost_data(&Envelope::from(Event::default()), Reason::NetworkError);
}
