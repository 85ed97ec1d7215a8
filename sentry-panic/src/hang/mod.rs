//! Hangs: a thread, an event loop or an async runtime that has not answered for too long is reported while it hangs.
//!
//! ```text
//! thread or loop: beat() ──► one byte ◄── thread "sentry-hang" looks, four times per timeout
//! runtime: runs a Ping  ──►    │
//!                              └─ silent for the timeout ─► its stack ─► event AppHang ─► spool, server
//! ```
//!
//! - **Off until a [`Watchdog`] is started**: no thread, no handler. A beat is one atomic store, and a watchdog of a client that is
//!   off has no thread either.
//! - **One report per hang.** Whoever answers again may be reported again; that report tells how long the one before was.
//! - **Only time in which the watchdog itself was awake counts as silence.** A debugger, SIGSTOP and a suspended machine stop it
//!   as well, so nobody is blamed for them.
//! - **The stack is taken from outside** (Linux, x86_64 and aarch64): SIGURG, whose default is to be ignored, is sent to the thread.
//!   Its handler leaves four registers and waits, half a second at most, until the watchdog has walked the stack; neither allocates
//!   or locks meanwhile. A handler that was there before gets what was not sent by us. System calls that are never
//!   restarted, such as `poll`, see one `EINTR` per hang. Elsewhere, and where a thread blocks the signal, the event has no stack.
//! - **It waits for nobody**: dropped, it tells its thread to end, and so does a client that is closed.

mod heartbeat;
mod patience;
mod ping;
mod pulse;
mod report;
mod rounds;
mod watchdog;
mod watched;

pub use self::heartbeat::Heartbeat;
pub use self::ping::Ping;
pub use self::watchdog::Watchdog;
