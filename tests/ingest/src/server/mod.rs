//! The server: its handle for tests, the state behind it, and its threads.

mod accept;
mod builder;
mod connection;
mod handle;
mod shared;

pub use self::{
    builder::Builder,
    handle::{PROJECT, PUBLIC_KEY, Server, refused_addr, unknown_host},
};
