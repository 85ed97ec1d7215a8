//! The transport over real sockets, against a scripted server.

mod accounts;
mod deadlines;
mod outcomes;
mod rig;
mod short_lives;
mod wire;
