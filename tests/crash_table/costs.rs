//! What it costs to be ready for a crash.

use ingest::Server;

use crate::cache::Cache;
use crate::crashing::{Ended, run};
use crate::programs::Program;

/// Nanoseconds that a change of a scope may take longer.
const SCOPE: f64 = 300.0;

/// Nothing while nothing happens, and little when a scope changes. Times are for release builds and long forms.
pub(crate) fn check(program: &Program, is_long: bool) {
    let (cache, server) = (Cache::new("crash-costs"), Server::start());
    let (dsn, directory) = (server.dsn(), cache.0.display().to_string());
    let run = |kind: &str, hint: &str| run(&program.path, &[&dsn, &directory, kind, "main", hint]);
    let idle = run("idle", "");
    assert_eq!(
        (idle.said("threads"), idle.said("switches")),
        (Some("2.0"), Some("0.0")),
        "{}",
        program.build.name
    );
    println!("{:16} its two threads were woken 0 times in a second", program.build.name);
    if program.build.name != "release" {
        return;
    }
    let number =
        |ended: &Ended, name: &'static str| ended.said(name).and_then(|text| text.parse::<f64>().ok());
    for name in ["tag", "breadcrumb", "with_scope", "hub"] {
        let best = |hint: &str| {
            let runs = (0..if is_long { 5 } else { 1 }).filter_map(|_| number(&run("cost", hint), name));
            runs.fold(f64::INFINITY, f64::min)
        };
        let (without, with) = (best("off"), best(""));
        println!(
            "{:16} {name}: {without:.1} ns without the handler, {with:.1} ns with it",
            program.build.name
        );
        assert!(!is_long || with - without <= SCOPE, "{name}: {with} ns instead of {without} ns");
    }
}
