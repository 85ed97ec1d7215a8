//! A chunk of a profile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ingest::Server;
use sentry::integrations::profiling::{
    ProfileLifecycle, ProfilingIntegration, start_profiler, stop_profiler,
};
use sentry::options::TraceLifecycle;
use sentry::protocol::Value;
use sentry::{Client, Hub};

use crate::mask::Mask;
use crate::trace::{span_id, trace_id};
use crate::{PATIENCE, check, compare, moment, options};

const BUSY: &str = "golden::profile::computes_in_here";

/// There is one profiler in a process.
static ONE: Mutex<()> = Mutex::new(());

#[inline(never)]
fn computes_in_here() {
    let end = sentry::clock::instant() + Duration::from_millis(300);
    let mut sum = 0_u64;
    while sentry::clock::instant() < end {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn a_function_that_computes_is_found_in_the_profile() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start();
    let options =
        options().dsn(&server.dsn()).add_integration(ProfilingIntegration::new().session_sample_rate(1.0));
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    // A machine with much else to do may not get to look.
    let is_found = (0..50).any(|_| {
        server.clear();
        let hub = Arc::clone(&hub);
        let profile = move || {
            Hub::run(hub, || {
                assert!(start_profiler());
                assert!(!start_profiler(), "there is one");
                computes_in_here();
                stop_profiler();
            });
        };
        let thread = std::thread::Builder::new().name("busy".into()).spawn(profile).expect("a thread");
        assert!(thread.join().is_ok());
        assert!(client.flush(Some(PATIENCE)));
        server.items("profile_chunk").iter().any(|item| shows_it(&item.json()))
    });
    assert!(is_found, "{:#?}", server.items("profile_chunk"));
    assert!(client.close(Some(PATIENCE)));
    compare("profile_chunk", "profile_chunk", &server, Mask::with_frame(BUSY));
}

/// Whether the thread was seen in the function, and the function below the one that called it.
fn shows_it(chunk: &Value) -> bool {
    let profile = &chunk["profile"];
    let name =
        |frame: &Value| profile["frames"][frame.as_u64().unwrap_or(u64::MAX) as usize]["function"].clone();
    profile["samples"].as_array().into_iter().flatten().any(|sample| {
        let stack = profile["stacks"][sample["stack_id"].as_u64().unwrap_or(u64::MAX) as usize].as_array();
        let names: Vec<_> = stack.into_iter().flatten().map(name).collect();
        let leaf = names.iter().position(|name| name == BUSY);
        let above = names.iter().position(|name| {
            name.as_str().is_some_and(|name| name.starts_with("golden::profile::a_function_that_computes"))
        });
        let thread = sample["thread_id"].as_str().unwrap_or_default();
        let is_named = profile["thread_metadata"][thread]["name"] == "busy";
        is_named && leaf.is_some() && leaf < above
    })
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[test]
fn a_streamed_span_says_which_profiler_ran() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let profiling = ProfilingIntegration::new().session_sample_rate(1.0).lifecycle(ProfileLifecycle::Trace);
    let options =
        options().traces_sample_rate(1.0).trace_lifecycle(TraceLifecycle::Stream).add_integration(profiling);
    check("span_profiled", "span", options, || {
        let context = sentry::TransactionContext::new_with_details(
            "GET /orders",
            "http.server",
            trace_id(),
            Some(span_id(0x22)),
            Some(span_id(0x33)),
        );
        let transaction = sentry::start_transaction_with_timestamp(context, moment());
        transaction.finish_with_timestamp(moment() + Duration::from_secs(3));
    });
}

#[test]
fn nobody_is_looked_at_unless_the_session_was_sampled() {
    let server = Server::start();
    let options = options().dsn(&server.dsn()).add_integration(ProfilingIntegration::new());
    let client = Arc::new(Client::from(sentry::apply_defaults(options)));
    let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default()));
    assert!(!Hub::run(hub, start_profiler));
    assert!(!start_profiler(), "without a client");
}
