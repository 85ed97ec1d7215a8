//! Transports that applications write.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sentry::protocol::{EnvelopeItem, MonitorCheckIn, MonitorCheckInStatus};
use sentry::{Client, ClientOptions, Envelope, Hub, Level, Transport};

const DSN: &str = "https://public@sentry.invalid/1";

/// Keeps the lines that would be written to a wire.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Vec<u8>>>);

impl Transport for Wire {
    fn send_envelope(&self, envelope: Envelope) {
        let mut bytes = self.0.lock().expect("no test panics with the lock");
        envelope.to_writer(&mut *bytes).expect("memory takes everything");
    }

    fn flush(&self, _timeout: Duration) -> bool {
        true
    }
}

#[test]
fn a_closure_makes_the_transport() {
    let wire = Wire::default();
    let (first, second) = (wire.clone(), wire.clone());
    let clients = [
        Client::from((
            DSN,
            ClientOptions {
                transport: Some(Arc::new(move |_: &ClientOptions| {
                    Arc::new(first.clone()) as Arc<dyn Transport>
                })),
                ..Default::default()
            },
        )),
        Client::from((DSN, ClientOptions::new().transport(Arc::new(second)))),
    ];
    for client in clients {
        let hub = Hub::new(Some(Arc::new(client)), Arc::new(Default::default()));
        hub.capture_message("hello wire", Level::Info);
        hub.client().expect("it was bound").close(None);
    }
    let bytes = wire.0.lock().expect("no test panics with the lock").clone();
    assert_eq!(String::from_utf8_lossy(&bytes).matches("hello wire").count(), 2);
}

#[test]
fn an_envelope_is_sent_by_hand() {
    let wire = Wire::default();
    let client = Client::from(ClientOptions::new().dsn(DSN).transport(Arc::new(wire.clone())));
    client.send_envelope(Envelope::from(MonitorCheckIn {
        check_in_id: sentry::types::random_uuid(),
        monitor_slug: "nightly".to_owned(),
        status: MonitorCheckInStatus::Ok,
        environment: None,
        duration: Some(1.5),
        monitor_config: None,
    }));
    assert!(client.flush(Some(Duration::from_secs(1))));
    let bytes = wire.0.lock().expect("no test panics with the lock").clone();
    let read = Envelope::from_slice(&bytes).expect("what was written can be read");
    assert!(matches!(read.into_items().next(), Some(EnvelopeItem::MonitorCheckIn(_))));
}
