//! The client of the process, which every hub without a binding of its own uses.

use std::sync::{Arc, RwLock};

use crate::client::Client;
use crate::hub::{Hub, claim_main, forget_plain};
use crate::process::Held;
use crate::sync::{read, try_read, write};

static PROCESS: RwLock<Option<Arc<Client>>> = RwLock::new(None);

/// The client set by `init`.
pub(crate) fn process() -> Option<Arc<Client>> {
    read(&PROCESS).clone()
}

/// The same, if nobody is changing it right now.
pub(crate) fn process_if_free() -> Option<Arc<Client>> {
    try_read(&PROCESS)?.clone()
}

/// Whether nobody is changing it right now.
pub(crate) fn process_is_free() -> bool {
    try_read(&PROCESS).is_some()
}

/// For a fork.
pub(super) fn hold(held: &mut Held<'_>) {
    held.write(&PROCESS);
}

/// Looks at it without taking a share in it.
pub(crate) fn with_process<R>(look: impl FnOnce(&Client) -> R) -> Option<R> {
    read(&PROCESS).as_deref().map(look)
}

/// Makes `client` the client of the process: every hub without a client of its own uses it from now on, whatever
/// thread it belongs to and whenever it was made. The last call wins.
pub fn bind_process_client(client: Arc<Client>) {
    let previous = write(&PROCESS).replace(client);
    forget_plain();
    drop(previous);
    claim_main();
    Hub::current().unbind_client();
}
