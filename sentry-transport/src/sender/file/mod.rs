//! Envelopes to disk, readable: decompressed, as the protocol writes them.
//!
//! ```text
//! FileSender::append("sentry.log")      one file, a blank line between envelopes; a full one becomes sentry.log.1
//! FileSender::directory("outbox")       one file per envelope, named by time and number; the oldest go first
//! ```
//!
//! Both are bounded, readable by the owner only, and written with one `write` per envelope, without `fsync`. What cannot
//! be written (a full disk, a directory that is gone) is counted as lost, and said once.

mod append;
mod directory;

use std::fs::OpenOptions;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sentry_core::{ClientOptions, Transport, TransportFactory, TransportOptions, process};

use self::append::Append;
use self::directory::Directory;
use super::{BoxFuture, Deadline, Request, Response, SendError, Sender, plain};
use crate::custom::SenderTransport;

/// Writes envelopes to disk instead of a server: to look at them, to carry them elsewhere, for machines without a
/// network. Clones write to the same place. A client with it is on without a DSN too.
///
/// ```
/// use sentry_core::{Client, ClientOptions, Envelope};
/// use sentry_transport::FileSender;
///
/// let dir = std::env::temp_dir().join(format!("outbox-{}", std::process::id()));
/// let client = Client::with_options(ClientOptions::new().transport(FileSender::directory(&dir)));
/// let id = client.capture_event(Default::default(), None);
/// client.close(None);
///
/// let file = std::fs::read_dir(&dir)?.next().expect("one envelope")?;
/// assert_eq!(Envelope::from_path(file.path()).unwrap().uuid(), Some(&id));
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileSender {
    place: Arc<Mutex<Place>>,
}

#[derive(Debug)]
enum Place {
    Append(Append),
    Directory(Directory),
}

/// As much as the server-bound queue may ever keep on disk.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

impl FileSender {
    /// Appends to one file, with a blank line after each envelope.
    ///
    /// When it is full it is renamed to the same name with `.1` at the end, replacing what is there.
    #[must_use]
    pub fn append(path: impl Into<PathBuf>) -> Self {
        Self::new(Place::Append(Append::new(path.into(), MAX_BYTES)))
    }

    /// Writes each envelope to a file of its own that ends in `.envelope`; sorted by name they are in order.
    ///
    /// The directory is made if need be. A file is there completely or not at all.
    #[must_use]
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self::new(Place::Directory(Directory::new(path.into(), MAX_BYTES)))
    }

    /// How much to keep on disk at most, in bytes. The oldest goes first. 32 MiB unless set.
    ///
    /// A single envelope that is larger (for a single file: than half of it) is lost, and counted.
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        match &mut *self.place.lock().unwrap_or_else(PoisonError::into_inner) {
            Place::Append(append) => append.max_bytes = max_bytes,
            Place::Directory(directory) => directory.max_bytes = max_bytes,
        }
        self
    }

    fn new(place: Place) -> Self {
        Self { place: Arc::new(Mutex::new(place)) }
    }

    fn write(&self, request: &Request) -> io::Result<()> {
        let envelope = plain::bytes(request)?;
        match &mut *self.place.lock().unwrap_or_else(PoisonError::into_inner) {
            Place::Append(append) => append.write(&envelope),
            Place::Directory(directory) => directory.write(&envelope),
        }
    }
}

impl Sender for FileSender {
    fn send(&self, request: Request, _deadline: Deadline) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async move {
            // A child could never take the lock that is held in here.
            match process::without_fork(|| self.write(&request)) {
                Ok(()) => Ok(Response::new(200)),
                // Not to be tried again: the next envelope will find out whether there is room.
                Err(error) => Err(SendError::setup().with_source(error)),
            }
        })
    }
}

impl TransportFactory for FileSender {
    fn create_transport(&self, options: &ClientOptions) -> Arc<dyn Transport> {
        SenderTransport::without_dsn(self.clone()).create_transport(options)
    }

    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        SenderTransport::without_dsn(self.clone()).create_transport_with_options(options)
    }

    fn needs_dsn(&self, _options: &ClientOptions) -> bool {
        false
    }
}

/// A new file is for its owner only: events are not for everybody on the machine.
#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Names the file in an error, which has to say where to look.
fn at(path: &std::path::Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "an envelope is larger than what may be kept on disk")
}

#[cfg(test)]
mod tests;
