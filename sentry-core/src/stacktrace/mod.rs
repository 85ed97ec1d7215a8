//! Stack traces: the seam to whoever captures them, and the pure rules applied to them.

pub mod in_app;
pub mod names;
pub mod trim;

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::protocol::{Event, Stacktrace, Thread, ThreadId};

/// Captures stacks on the calling thread and resolves them elsewhere. Implemented by `sentry-panic`.
pub trait StackSource: Send + Sync + fmt::Debug {
    /// The return addresses of the calling thread, innermost first. Takes no lock and loads no symbols.
    fn capture(&self) -> RawStack;

    /// The frames of `stack`, oldest first, as the protocol wants them.
    ///
    /// Addresses whose symbols cannot be loaded before `deadline` stay bare. `None` when nothing is left.
    fn resolve(&self, stack: &RawStack, deadline: Option<Instant>) -> Option<Stacktrace>;

    /// The frames of `stack` as bare addresses, for what [`restore`](Self::restore) will name: neither waits for anything nor
    /// looks anything up. `None` where nobody could name them later: then they are resolved.
    fn bare(&self, stack: &RawStack) -> Option<Stacktrace> {
        let _ = stack;
        None
    }

    /// Names the frames of an event that an earlier run of the program wrote down as bare addresses, by the images in its
    /// `debug_meta`. Tells whether it changed anything.
    fn restore(&self, event: &mut Event<'static>, deadline: Option<Instant>) -> bool {
        let _ = (event, deadline);
        false
    }

    /// Gives memory back that is only needed while stacks are resolved. Called by a worker after a minute without any.
    fn release(&self) {}
}

/// Unresolved return addresses of one thread, innermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawStack {
    /// The addresses.
    pub addresses: Box<[usize]>,
}

thread_local! {
    static THREAD: OnceCell<Arc<Thread>> = const { OnceCell::new() };
}

/// The calling thread, as events name it.
pub(crate) fn thread() -> Arc<Thread> {
    // During the destruction of thread-locals it is described anew.
    THREAD
        .try_with(|thread| Arc::clone(thread.get_or_init(describe_thread)))
        .unwrap_or_else(|_| describe_thread())
}

fn describe_thread() -> Arc<Thread> {
    let current = std::thread::current();
    let name = current.name().map(str::to_owned);
    Arc::new(Thread { name, id: Some(thread_id(current.id())), ..Thread::default() })
}

/// The number in `ThreadId(7)`: std has no stable way to ask for it.
fn thread_id(id: std::thread::ThreadId) -> ThreadId {
    let text = format!("{id:?}");
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().map_or(ThreadId::String(text), ThreadId::Int)
}
