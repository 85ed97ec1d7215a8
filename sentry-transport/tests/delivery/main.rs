//! The transport over real sockets, against a scripted server.

mod deadlines;
mod outcomes;
mod rig;
mod wire;
