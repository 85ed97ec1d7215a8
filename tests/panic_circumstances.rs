//! Panics in bad circumstances: with hardly any stack left, and ten thousand of them while the server says nothing.
//!
//! A program of its own: the children are this program with a role.
#![expect(
    clippy::disallowed_methods,
    reason = "switches come through the environment, and children are waited for"
)]

use std::hint::black_box;
use std::panic::catch_unwind;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ingest::{Reply, Server};
use sentry::ClientOptions;
use sentry::options::FloodControl;

const ROLE: &str = "SENTRY_TEST_ROLE";
/// For what takes a second or two.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        return child(&role);
    }
    for left in [64, 32, 16] {
        little_stack(left);
    }
    ten_thousand();
}

fn child(role: &str) {
    std::panic::set_hook(Box::new(|_| {}));
    // Whom the server answers may take their time; nobody else waits longer than usual.
    let timeout = if role == "many" { Duration::from_secs(2) } else { PATIENCE / 2 };
    let options = ClientOptions::new()
        .dsn(&std::env::var("DSN").unwrap_or_default())
        .flood_control(FloodControl::off())
        .shutdown_timeout(timeout);
    let _guard = sentry::init(options);
    match role.split_once(' ') {
        Some(("stack", left)) => {
            let left = left.parse().unwrap_or(0);
            let builder = std::thread::Builder::new().stack_size(STACK);
            let thread = builder.spawn(move || {
                let top = 0_u8;
                // A thread's first use of the SDK is not what is tried.
                sentry::configure_scope(|scope| scope.set_tag("left", left));
                deeper(std::ptr::from_ref(black_box(&top)).addr(), left << 10)
            });
            assert!(matches!(thread.map(|thread| thread.join()), Ok(Ok(true))));
        }
        _ => {
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for _ in 0..1_250 {
                            assert!(catch_unwind(|| panic!("one of many")).is_err());
                        }
                    });
                }
            });
            // Nobody has answered: each of them was given up, and counted once.
            let client = sentry::Hub::current().client().expect("a client");
            client.close(Some(timeout));
            let stats = client.stats();
            assert_eq!((stats.accepted, stats.dropped, stats.queued), (10_000, 10_000, 0), "{stats:?}");
        }
    }
}

const STACK: usize = 512 << 10;

/// Panics where so many bytes of the stack are left. The thread's own uses of it before `top` are not known, but small.
#[inline(never)]
fn deeper(top: usize, left: usize) -> bool {
    let local = [0_u8; 256];
    let here = std::ptr::from_ref(black_box(&local)).addr();
    if top - here + left < STACK - UNKNOWN {
        return black_box(deeper(top, left));
    }
    catch_unwind(|| panic!("hardly any stack left")).is_err()
}

/// What lies above `top`: the thread's start, its thread-locals and the frames of std.
const UNKNOWN: usize = 3 << 10;

fn little_stack(left: usize) {
    let server = Server::start();
    let status = wait(&mut start(&format!("stack {left}"), &server));
    assert!(status.is_some_and(|status| status.success()), "{left} KB left: {status:?}");
    let events = server.events();
    assert_eq!(events.len(), 1, "{left} KB left");
    assert_eq!(events[0]["exception"]["values"][0]["value"], "hardly any stack left");
    println!("test a_panic_with_{left}_kb_of_stack_left_arrives ... ok");
}

/// How much longer than without us that takes, the benches measure; here nothing may hang.
fn ten_thousand() {
    let server = Server::builder().otherwise(Reply::hang()).start();
    let begun = Instant::now();
    let status = wait(&mut start("many", &server));
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
    println!("test ten_thousand_panics_while_the_server_hangs ... ok, {:?}", begun.elapsed());
}

fn start(role: &str, server: &Server) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(ROLE, role).env("DSN", server.dsn()).stderr(Stdio::inherit());
    command.spawn().expect("the child starts")
}

/// How it ended; `None`: it hung, and was ended.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("our child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}
