//! Profiles that are taken while sampled transactions go on.
#![cfg(all(
    feature = "profiling",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ingest::Server;
use sentry::integrations::profiling::{
    ProfileLifecycle, ProfilingIntegration, start_profiler, stop_profiler,
};
use sentry::options::TraceLifecycle;
use sentry::protocol::Value;
use sentry::protocol::client_report::{Category, Reason};
use sentry::{Client, ClientOptions, Hub, TransactionContext};

const PATIENCE: Duration = Duration::from_secs(30);
/// A machine with much else to do may not get to look.
const TRIES: usize = 50;

fn compute() -> u64 {
    let end = sentry::clock::instant() + Duration::from_millis(150);
    let mut sum = 0_u64;
    while sentry::clock::instant() < end {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
    }
    sum
}

#[inline(never)]
fn computes_within() -> u64 {
    std::hint::black_box(compute())
}

#[inline(never)]
fn computes_without() -> u64 {
    std::hint::black_box(compute()).wrapping_add(1)
}

/// There is one profiler in a process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn options(lifecycle: ProfileLifecycle) -> ClientOptions {
    let profiling = ProfilingIntegration::new().session_sample_rate(1.0).lifecycle(lifecycle);
    ClientOptions::new().release("profiles@1.0.0").traces_sample_rate(1.0).add_integration(profiling)
}

/// Runs `f` on a thread of its own, with a client of its own.
fn run<R: Send>(server: &Server, options: ClientOptions, f: impl FnOnce(&Client) -> R + Send) -> R {
    let client = Arc::new(Client::from(sentry::apply_defaults(options.dsn(&server.dsn()))));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    let body = || Hub::run(hub, || f(&client));
    let result = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("busy".into()).spawn_scoped(scope, body);
        thread.expect("a thread").join()
    });
    result.expect("no panic")
}

fn start() -> sentry::Transaction {
    sentry::start_transaction(TransactionContext::new("t", "op"))
}

/// The profiles in which a sample shows this function.
fn chunks_with(server: &Server, function: &str) -> Vec<Value> {
    let shows_it = |chunk: &Value| {
        let frames = chunk["profile"]["frames"].as_array().into_iter().flatten();
        frames.filter_map(|frame| frame["function"].as_str()).any(|name| name.contains(function))
    };
    server.items("profile_chunk").iter().map(ingest::Item::json).filter(shows_it).collect()
}

#[test]
fn the_profiler_runs_while_a_sampled_transaction_goes_on() {
    let (_alone, server) = (alone(), Server::start());
    let (chunk, transaction) = run(&server, options(ProfileLifecycle::Trace), |client| {
        assert!(!start_profiler(), "that is left to traces");
        for _ in 0..TRIES {
            server.clear();
            let _ = computes_without();
            let transaction = start();
            let _ = computes_within();
            transaction.finish();
            // From here on the profiler has seen that it is over.
            assert!(client.flush(Some(PATIENCE)));
            let _ = computes_without();
            assert!(client.flush(Some(PATIENCE)));
            assert!(chunks_with(&server, "computes_without").is_empty());
            if let Some(chunk) = chunks_with(&server, "computes_within").pop() {
                assert!(client.close(Some(PATIENCE)));
                return (chunk, server.items("transaction").remove(0).json());
            }
        }
        panic!("never seen computing: {:?}", server.items("profile_chunk"));
    });
    assert_eq!(transaction["contexts"]["profile"]["profiler_id"], chunk["profiler_id"]);
    let data = &transaction["contexts"]["trace"]["data"];
    let thread = data["thread.id"].as_str().expect("the number of the thread");
    assert_eq!(chunk["profile"]["thread_metadata"][thread]["name"], "busy");
    assert_eq!(data["thread.name"], "busy");
}

#[test]
fn one_that_nobody_finishes_is_over_when_nobody_holds_it() {
    let (_alone, server) = (alone(), Server::start());
    run(&server, options(ProfileLifecycle::Trace), |client| {
        let transaction = start();
        let _ = computes_within();
        drop(transaction);
        assert!(client.flush(Some(PATIENCE)));
        server.clear();
        let _ = computes_without();
        assert!(client.close(Some(PATIENCE)));
        assert!(server.items("profile_chunk").is_empty());
    });
}

#[test]
fn nothing_is_seen_of_what_is_not_sampled() {
    let (_alone, server) = (alone(), Server::start());
    let unsampled = options(ProfileLifecycle::Trace).traces_sampler(|_| 0.0);
    let no_session = ClientOptions::new()
        .release("profiles@1.0.0")
        .traces_sample_rate(1.0)
        .add_integration(ProfilingIntegration::new().lifecycle(ProfileLifecycle::Trace));
    for options in [unsampled, no_session] {
        run(&server, options, |client| {
            let transaction = start();
            let _ = computes_within();
            transaction.finish();
            assert!(client.close(Some(PATIENCE)));
            assert!(server.items("profile_chunk").is_empty());
            for transaction in server.items("transaction") {
                assert!(transaction.json()["contexts"]["profile"].is_null());
            }
        });
    }
}

#[test]
fn what_was_seen_last_is_sent_when_the_client_closes() {
    let (_alone, server) = (alone(), Server::start());
    for lifecycle in [ProfileLifecycle::Manual, ProfileLifecycle::Trace] {
        let is_found = (0..TRIES).any(|_| {
            server.clear();
            run(&server, options(lifecycle), |client| {
                assert_eq!(start_profiler(), lifecycle == ProfileLifecycle::Manual);
                let transaction = start();
                let _ = computes_within();
                assert!(client.close(Some(PATIENCE)));
                drop(transaction);
            });
            !chunks_with(&server, "computes_within").is_empty()
        });
        assert!(is_found, "{lifecycle:?}");
        // The next client can have one again.
        stop_profiler();
    }
}

/// Without anything that could read stacks nothing of them is known, and servers refuse a profile without frames.
#[test]
fn a_profile_that_names_nothing_is_counted_and_not_sent() {
    let (_alone, server) = (alone(), Server::start());
    let is_counted = (0..TRIES).any(|_| {
        let options = sentry::apply_defaults(options(ProfileLifecycle::Manual).dsn(&server.dsn()));
        let client = Arc::new(Client::from(ClientOptions { stack_source: None, ..options }));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
        Hub::run(hub, || {
            assert!(start_profiler());
            let _ = computes_within();
            stop_profiler();
        });
        assert!(client.close(Some(PATIENCE)));
        let losses = client.stats().losses;
        let lost: Vec<_> = losses.iter().map(|item| (item.reason(), item.category())).collect();
        assert!(
            lost.iter().all(|lost| *lost == (Reason::InsufficientData, Category::ProfileChunk)),
            "{lost:?}"
        );
        !lost.is_empty()
    });
    assert!(is_counted);
    assert!(server.items("profile_chunk").is_empty());
}

#[test]
fn streamed_spans_say_which_profiler_ran() {
    let (_alone, server) = (alone(), Server::start());
    let options = options(ProfileLifecycle::Trace).trace_lifecycle(TraceLifecycle::Stream);
    let spans = run(&server, options, |client| {
        let transaction = start();
        transaction.start_child("op", "child").finish();
        transaction.finish();
        assert!(client.close(Some(PATIENCE)));
        server
            .items("span")
            .iter()
            .flat_map(|item| item.json()["items"].as_array().cloned())
            .flatten()
            .collect::<Vec<_>>()
    });
    let id = |span: &Value| span["attributes"]["sentry.profiler_id"]["value"].as_str().map(str::to_owned);
    assert_eq!(spans.len(), 2);
    assert_eq!(id(&spans[0]).map(|id| id.len()), Some(32));
    assert_eq!(id(&spans[0]), id(&spans[1]));
}
