//! This crate beside the official one, in one run.
//!
//!     cd benches && cargo run --release                       what calls cost their thread
//!     cd benches && cargo run --release layer [ROW TIMES]     what spans and events of `tracing` cost
//!     cd benches && cargo run --release burst [KIND] [MS]     what becomes of 10,000 events
//!     cd benches && cargo run --release panics [WHAT]         what panics cost
//!     cd benches && cargo run --release spool [WHAT]          what the cache directory costs
//!     cd benches && cargo run --release axum [MODE]       what the layer costs a request (wants valgrind and wrk)
//!     cd benches && cargo run --release scrub                 how fast secrets are found
//!
//! Calls: both capture into a transport that throws everything away. Ours overrides `Transport::send`, as the background
//! transport does; the rows marked "finished on the caller" use a transport that only has `send_envelope`, as foreign ones do.
//! Rounds of the two crates alternate, and the best round counts. A ratio is official / ours.

mod alloc;
mod axum;
mod burst;
mod layer;
mod measure;
mod panics;
mod rows;
mod scrub;
mod spool;
mod table;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["axum", ref of @ ..] => axum::compare(of),
        ["axum-server", mode] => axum::server(mode),
        ["burst", ref of @ ..] => burst::compare(of),
        ["burst-client", ref of @ ..] => burst::client(of),
        ["burst-server", latency] => burst::server(latency),
        ["burst-probe"] => burst::probe(),
        ["panics", ref of @ ..] => panics::measure(of),
        ["panics-client", ref of @ ..] => panics::client(of),
        ["spool", ref of @ ..] => spool::measure(of),
        ["spool-client", ref of @ ..] => spool::client(of),
        ["layer"] => table::print(&layer::all()),
        ["layer", name, rounds] => layer::again(name, rounds.parse().expect("a number of rounds")),
        ["scrub"] => scrub::all(),
        _ => table::print(&rows::all(arguments.first().copied())),
    }
}
