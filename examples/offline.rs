//! The network is down, the program crashes, and nothing is lost: it is on disk, and the next start sends it.
//!
//!     cargo run --example offline
//!
//! Starts itself twice, with one cache directory. The first time nobody listens at the server's address; an error is
//! captured, and then the program panics. The second time the server is back. It is a small one inside of this process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io, process};

use sentry::{ClientOptions, spool};

/// Plays the processes, and starts them.
pub fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["crash", dsn, cache] => crash(dsn, cache),
        ["deliver", dsn, cache] => deliver(dsn, cache),
        _ => play(),
    }
}

/// What an application adds to be safe from dead networks: one line. The callback is a bonus.
fn options(dsn: &str, cache: &str) -> ClientOptions {
    ClientOptions::new()
        .dsn(dsn)
        .cache_dir(cache)
        .on_crashed_last_run(|run| println!("  the last run crashed, see event {}", run.event_id))
}

fn crash(dsn: &str, cache: &str) -> io::Result<()> {
    let _guard = sentry::init(options(dsn, cache));
    println!("  crashed last run: {:?}", sentry::crashed_last_run());
    if let Err(error) = "12,50".parse::<f64>() {
        sentry::capture_error(&error);
    }
    panic!("the disk is on fire");
}

fn deliver(dsn: &str, cache: &str) -> io::Result<()> {
    // The last run died right after its start. What it left of that is sent before `init` returns: a program that dies at
    // every start would never live long enough to send why.
    let _guard = sentry::init(options(dsn, cache));
    println!("  crashed last run: {:?}", sentry::crashed_last_run());
    println!("  left when init returned: {}", spool::list(cache)?.len());
    // A real program has something better to do meanwhile.
    let patience = now() + Duration::from_secs(30);
    while !spool::list(cache)?.is_empty() && now() < patience {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn play() -> io::Result<()> {
    let cache = Cache::new();
    let server = ingest::Server::start();
    server.refuse();
    println!("1. The network is down. The program captures an error and panics.");
    run("crash", &server.dsn(), &cache.0)?;

    println!("2. It is gone. What it left in the cache directory:");
    for entry in spool::list(&cache.0)? {
        let (kind, state, id) =
            (entry.kind.as_str(), entry.state.as_str(), entry.event_id.unwrap_or_default());
        println!("  {kind:<6} {id} {} bytes, {state}", entry.size);
        let title = spool::show(&entry)?;
        let title = title.lines().find(|line| line.contains("\"value\"")).unwrap_or_default();
        println!("         {}", title.trim());
    }

    println!("3. The network is back. The program starts again.");
    server.resume();
    run("deliver", &server.dsn(), &cache.0)?;

    let events = server.events();
    println!("4. {} events have arrived:", events.len());
    for event in &events {
        println!("  {} {}", event["level"], event["exception"]["values"][0]["value"]);
    }
    println!("   left in the cache directory: {}", spool::list(&cache.0)?.len());
    Ok(())
}

/// This program once more, with a role.
fn run(role: &str, dsn: &str, cache: &Path) -> io::Result<()> {
    let status = Command::new(env::current_exe()?).args([role, dsn]).arg(cache).status()?;
    println!("  ({role}: {status})");
    Ok(())
}

/// A real program has a directory of its own that stays, such as `$XDG_STATE_HOME/<name>/sentry`.
struct Cache(PathBuf);

impl Cache {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("sentry-offline-example-{}", process::id())))
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[expect(clippy::disallowed_methods, reason = "an example, not the SDK")]
fn now() -> Instant {
    Instant::now()
}
