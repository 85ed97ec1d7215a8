//! Instructions, as callgrind counts them.

use std::env::{self, current_exe};
use std::process::Command;

use super::Mode;
use super::client::{Kind, Server};

const SHORT: u32 = 1_000;
const LONG: u32 = 5_000;

/// How many the server needs for one request.
pub fn instructions(mode: &Mode, kind: Kind) -> Option<f64> {
    let (short, long) = (run(mode, kind, SHORT)?, run(mode, kind, LONG)?);
    Some((long - short) / f64::from(LONG - SHORT))
}

fn run(mode: &Mode, kind: Kind, times: u32) -> Option<f64> {
    // With a name in `CALLGRIND_OUT`, what was counted stays there for `callgrind_annotate`.
    let out = env::var("CALLGRIND_OUT").unwrap_or_else(|_| "/dev/null".to_owned());
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", &format!("--callgrind-out-file={out}")]).arg(current_exe().ok()?);
    let server = Server::start(command, mode)?;
    server.request(kind, times);
    let told = server.stop();
    let line = told.lines().find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}
