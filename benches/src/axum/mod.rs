//! What the layers of `tower` cost a request to an axum hello-world.
//!
//! ```text
//! compare ──► valgrind --tool=callgrind axum-server MODE ◄── keep-alive loopback connection, 1,000 and 5,000 requests
//!         └─► axum-server MODE                           ◄── wrk
//! ```
//!
//! Instructions are those of the whole server process: hyper, axum, the handler and the layer, on one thread. What the kernel
//! does is not among them, nor is the client, which is another process. The difference between two runs of different length is
//! divided by the requests between them, so the start of the process does not count. What is sampled is dropped by the
//! transport: completing it is the business of the worker.

mod callgrind;
mod client;
mod mode;
mod server;
mod wrk;

use self::client::Kind;
use self::mode::Mode;
pub use self::server::server;

/// Prints a line for each mode whose name contains one of `only`.
pub fn compare(only: &[&str]) {
    println!(
        "{:<34} {:>9} {:>8} {:>8} {:>9} {:>8} {:>8} {:>10} {:>8}",
        "", "wrk's", "more", "", "browser's", "more", "", "requests/s", ""
    );
    let mut base: Option<Figures> = None;
    for mode in Mode::ALL {
        let is_wanted = only.is_empty() || only.iter().any(|only| mode.name.contains(only));
        // What the others are compared with.
        if !is_wanted && base.is_some() {
            continue;
        }
        let figures = Figures::of(mode);
        print(mode, figures, base.unwrap_or(figures));
        base.get_or_insert(figures);
    }
}

#[derive(Clone, Copy)]
struct Figures {
    /// Instructions for a request as `wrk` makes them, and as a browser does. `None` without valgrind.
    instructions: [Option<f64>; 2],
    /// Requests a second, of the best run. `None` without `wrk`.
    throughput: Option<f64>,
}

impl Figures {
    fn of(mode: &Mode) -> Self {
        Self {
            instructions: [Kind::Wrk, Kind::Browser].map(|kind| callgrind::instructions(mode, kind)),
            throughput: wrk::throughput(mode),
        }
    }
}

fn print(mode: &Mode, figures: Figures, base: Figures) {
    print!("{:<34}", mode.name);
    for (now, base) in figures.instructions.into_iter().zip(base.instructions) {
        match (now, base) {
            (Some(now), Some(base)) => {
                print!(" {now:>9.0} {:>+8.0} {:>+7.1}%", now - base, (now / base - 1.0) * 100.0);
            }
            _ => print!(" {:>9} {:>8} {:>8}", "-", "", ""),
        }
    }
    match (figures.throughput, base.throughput) {
        (Some(now), Some(base)) => println!(" {now:>10.0} {:>+7.1}%", (now / base - 1.0) * 100.0),
        _ => println!(" {:>10}", "-"),
    }
}
