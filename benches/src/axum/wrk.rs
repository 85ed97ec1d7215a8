//! Requests a second, as `wrk` counts them.

use std::env::current_exe;
use std::process::Command;

use super::Mode;
use super::client::Server;

/// The best run counts: the machine may be busy with something else.
const RUNS: usize = 3;

pub fn throughput(mode: &Mode) -> Option<f64> {
    let server = Server::start(Command::new(current_exe().ok()?), mode)?;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let runs = (0..RUNS).filter_map(|_| run(&url));
    let best = runs.max_by(f64::total_cmp);
    server.stop();
    best
}

fn run(url: &str) -> Option<f64> {
    let output = Command::new("wrk").args(["-t1", "-c16", "-d3s", url]).output().ok()?;
    let told = String::from_utf8_lossy(&output.stdout);
    told.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?.trim().parse().ok()
}
