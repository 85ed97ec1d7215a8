//! What becomes of 10,000 events captured at once, over the default transports and real sockets.
//!
//! ```text
//! compare ──► burst-server LATENCY          a process: answers 200, keeps the bodies, reads them when all is over
//!        └──► burst-client CRATE KIND       a process: captures, flushes, tells time, CPU and peak memory
//! ```
//!
//! Three ways to send, each in a process of its own so that memory is comparable: ours with default options, the official
//! crate with default options (a queue of 30), and the official crate with a queue of 20,000. Ours may take 90 seconds, the
//! official crate five; what it has not delivered by then, it has not delivered.
//!
//! "reported" are the losses that reached the server in client reports.

mod client;
mod compare;
mod events;
mod probe;
pub mod process;
mod server;

pub use self::client::client;
pub use self::compare::{Receiver, compare};
pub use self::probe::probe;
pub use self::server::{serve, server};

/// Events in a burst.
const EVENTS: usize = 10_000;

/// What is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `capture_message`, each text another.
    Message,
    /// `capture_error`, of 20 types.
    Error,
    /// `capture_event` with a user-built event of the size they have.
    Event,
    /// `capture_error` of one type from one place: what flood control is for.
    Identical,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Message, Self::Error, Self::Event, Self::Identical];

    const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Error => "error",
            Self::Event => "event",
            Self::Identical => "identical",
        }
    }

    fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).expect("a kind")
    }
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Ours,
    Official,
    /// With a queue that holds the burst.
    Roomy,
}

impl Way {
    const ALL: [Self; 3] = [Self::Ours, Self::Official, Self::Roomy];

    const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Official => "official",
            Self::Roomy => "official-20000",
        }
    }

    fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|way| way.name() == name).expect("a way")
    }
}
