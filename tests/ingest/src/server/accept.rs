//! The accept thread: one connection, one thread.

use std::{
    io,
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::Duration,
};

use super::{connection, shared::Shared};

/// Accepts until the server stops.
pub(super) fn start(listener: TcpListener, shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    Builder::new().name("ingest-accept".to_owned()).spawn(move || run(&listener, &shared))
}

fn run(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.is_stopping() {
        let served = match listener.accept() {
            Ok((stream, _)) => serve(stream, shared),
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            shared.update(|log| log.complain(format!("a connection was lost: {error}")));
            // Out of descriptors or threads, most likely: trying again at once would only spin.
            shared.pause(Duration::from_millis(20));
        }
    }
}

fn serve(stream: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(shared.patience))?;
    stream.set_write_timeout(Some(shared.patience))?;
    let Some(id) = shared.register(stream.try_clone()?) else { return Ok(()) };
    let owned = Arc::clone(shared);
    let spawned = Builder::new().name(format!("ingest-{id}")).stack_size(512 * 1024).spawn(move || {
        connection::serve(stream, id, &owned);
        owned.unregister(id);
    });
    if spawned.is_err() {
        shared.unregister(id);
    }
    spawned.map(drop)
}
