//! The process that answers.

use std::io::{Read as _, Write as _};
use std::process::exit;

use tokio::runtime::Builder;

use super::Mode;

/// Serves `mode` on one thread and on a port that it prints, until the standard input is closed.
pub fn server(mode: &str) {
    let mode = Mode::named(mode).expect("a known mode");
    // It is ended from outside, in a way that lets valgrind write down what it has counted.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        exit(0);
    });
    let runtime = Builder::new_current_thread().enable_io().build();
    runtime.expect("a runtime").block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address").port());
        let _ = std::io::stdout().flush();
        axum::serve(listener, (mode.app)()).await.expect("it serves");
    });
}
