//! Panics on demand: `panicking <dsn> <where> [cache directory]`. With a cache directory, which may be empty, it has a session.

use sentry::ClientOptions;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(dsn), Some(place)) = (arguments.next(), arguments.next()) else { return };
    let mut options = ClientOptions::new().release("panicking@1");
    if let Some(cache) = arguments.next() {
        options = options.auto_session_tracking(true);
        if !cache.is_empty() {
            options = options.cache_dir(cache);
        }
    }
    let _guard = sentry::init((dsn, options));
    sentry::configure_scope(|scope| scope.set_tag("place", &place));
    match place.as_str() {
        "main" => panic!("on the main thread"),
        "thread" => on_thread(|| panic!("on a thread")),
        "drop" => {
            let _bomb = Bomb;
            panic!("first");
        }
        "caught" => {
            let caught = std::panic::catch_unwind(|| panic!("caught"));
            assert!(caught.is_err());
        }
        "exit" => {
            // What is to be told should the process vanish is written by then.
            if let Some(client) = sentry::Hub::current().client() {
                client.flush(None);
            }
            std::process::exit(0);
        }
        other => panic!("nothing is known about {other}"),
    }
}

fn on_thread(f: fn()) {
    if let Ok(thread) = std::thread::Builder::new().name("worker".into()).spawn(f) {
        let _ = thread.join();
    }
}

/// Panics while it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("second, while unwinding");
    }
}
