//! What calls cost their thread: this crate beside the official one, in one run.
//!
//!     cd benches && cargo run --release
//!
//! Both capture into a transport that throws everything away. Ours overrides `Transport::send`, as the background transport
//! does; the rows marked "finished on the caller" use a transport that only has `send_envelope`, as foreign ones do. Rounds of the
//! two crates alternate, and the best round counts. A ratio is official / ours.

mod alloc;
mod measure;
mod rows;
mod table;

fn main() {
    let only = std::env::args().nth(1);
    let rows = rows::all(only.as_deref());
    table::print(&rows);
}
