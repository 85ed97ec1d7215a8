//! One event, sent by a client of its own over the transport of the options.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use sentry_core::client_report::Recorder;
use sentry_core::diagnostics::{Exchange, Watcher};
use sentry_core::options::{CacheOptions, Consent, EventSamplingStrategy, FloodControl, Spotlight};
use sentry_core::protocol::{Event, Level};
use sentry_core::types::Uuid;
use sentry_core::{Client, ClientOptions, Hub};

use super::deadline::Deadline;
use super::helper;

/// What came of the test event.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its request ended like this.
    Answered(Uuid, Exchange),
    /// The transport does not show its requests; it says of itself whether the event is delivered.
    Flushed { id: Uuid, delivered: bool, error: Option<String> },
    /// No answer within this time.
    Silence(Duration),
    /// There is nothing to send it with.
    Off,
    /// It could not be captured.
    Lost(&'static str),
}

impl Outcome {
    pub(super) fn is_accepted(&self) -> bool {
        match self {
            Self::Answered(_, exchange) => {
                exchange.outcome.as_ref().is_ok_and(|answer| (200..300).contains(&answer.status))
            }
            Self::Flushed { delivered, .. } => *delivered,
            Self::Silence(_) | Self::Off | Self::Lost(_) => false,
        }
    }
}

/// What the thread that sends has to tell.
enum News {
    Captured(Uuid, Arc<Client>),
    Exchange(Exchange),
    Flushed(bool, Option<String>),
    Off,
}

/// What every test event looks like.
pub(super) fn test_event() -> Event<'static> {
    Event {
        message: Some("sentry doctor: test event".into()),
        level: Level::Info,
        tags: [("sentry.doctor".to_owned(), "test".to_owned())].into(),
        ..Event::new()
    }
}

/// Sends a test event and waits for what comes of it.
pub(super) fn run(options: &ClientOptions, deadline: Deadline) -> Outcome {
    if options.transport.is_none() {
        return Outcome::Off;
    }
    let (send, receive) = mpsc::channel();
    let options = for_probe(options, &send);
    // A transport of the application may block wherever it likes.
    match helper::start(move || probe(options, deadline, &send)) {
        Ok(()) => wait(&receive, deadline),
        Err(why) => Outcome::Lost(why.explain()),
    }
}

/// The same options as far as the way to the server is concerned, and nothing else of them.
fn for_probe(options: &ClientOptions, send: &Sender<News>) -> ClientOptions {
    let recorder = Recorder::default();
    let send = send.clone();
    recorder.set_watcher(Watcher::new(move |exchange| {
        let _ = send.send(News::Exchange(exchange.clone()));
    }));
    ClientOptions {
        client_report_recorder: recorder,
        sample_rate: 1.0,
        event_sampling_strategy: EventSamplingStrategy::default(),
        flood_control: FloodControl::default(),
        integrations: Vec::new(),
        default_integrations: false,
        before_send: None,
        on_drop: None,
        send_client_reports: false,
        auto_session_tracking: false,
        announce_shutdown: false,
        spotlight: Spotlight::Off,
        also_send_to: Vec::new(),
        // Neither leaves anything there nor sends what it finds.
        cache: CacheOptions::default(),
        // Nothing in it is of the user of the application.
        consent: Consent::NotNeeded,
        ..options.clone()
    }
}

fn probe(options: ClientOptions, deadline: Deadline, send: &Sender<News>) {
    let client = Arc::new(Client::with_options(options));
    let tell = |news| {
        // Nobody listens any more after the deadline.
        let _ = send.send(news);
    };
    if !client.is_enabled() {
        return tell(News::Off);
    }
    let hub = Hub::new(Some(Arc::clone(&client)), Arc::default());
    tell(News::Captured(hub.capture_event(test_event()), Arc::clone(&client)));
    let in_time = client.flush(Some(deadline.left()));
    let stats = client.stats();
    let lost = !stats.losses.is_empty();
    tell(match (in_time, stats.last_error) {
        // The deadline, and nothing to be said about it.
        (false, None) if !lost => return,
        (_, error) => News::Flushed(in_time && !lost, error),
    });
}

fn wait(receive: &Receiver<News>, deadline: Deadline) -> Outcome {
    let patience = deadline.left();
    // The answer may be here before the id is.
    let (mut captured, mut answered) = (None::<(Uuid, Arc<Client>)>, None);
    loop {
        match (captured.take(), answered.take()) {
            (Some((id, client)), Some(exchange)) => {
                // The transport that tells us was made for us: closing it takes it from nobody else. Without that it
                // would go on trying until the deadline.
                client.close(Some(Duration::ZERO));
                return Outcome::Answered(id, exchange);
            }
            halves => (captured, answered) = halves,
        }
        match receive.recv_timeout(deadline.left()) {
            Ok(News::Captured(id, _)) if id.is_nil() => {
                return Outcome::Lost("was dropped before it was sent");
            }
            Ok(News::Captured(id, client)) => captured = Some((id, client)),
            Ok(News::Exchange(exchange)) => answered = answered.or(Some(exchange)),
            Ok(News::Flushed(delivered, error)) => {
                let id = captured.map(|(id, _)| id).unwrap_or_default();
                return Outcome::Flushed { id, delivered, error };
            }
            Ok(News::Off) => return Outcome::Off,
            Err(RecvTimeoutError::Timeout) => return Outcome::Silence(patience),
            Err(RecvTimeoutError::Disconnected) => {
                return Outcome::Lost("went missing: its transport panicked");
            }
        }
    }
}
