//! The result, one line a row.

use crate::measure::Cost;

/// One operation on both crates, with the budget of the design.
pub struct Row {
    pub name: &'static str,
    pub ours: Cost,
    pub official: Cost,
    /// The most it may cost: nanoseconds, allocations.
    pub budget: Option<(f64, f64)>,
}

pub fn print(rows: &[Row]) {
    println!(
        "{:<46} {:>12} {:>6} {:>12} {:>6} {:>9} {:>12}  budget",
        "", "ours", "al", "official", "al", "ratio", "budget"
    );
    for row in rows {
        let ratio = row.official.nanos / row.ours.nanos;
        let (budget, verdict) = match row.budget {
            None => (String::new(), ""),
            Some((nanos, allocations)) => {
                let within = row.ours.nanos <= nanos && row.ours.allocations <= allocations + 0.05;
                (nanos_text(nanos), if within { "ok" } else { "MISSED" })
            }
        };
        println!(
            "{:<46} {:>12} {:>6.1} {:>12} {:>6.1} {:>8.1}x {:>12}  {verdict}",
            row.name,
            nanos_text(row.ours.nanos),
            row.ours.allocations,
            nanos_text(row.official.nanos),
            row.official.allocations,
            ratio,
            budget,
        );
    }
}

fn nanos_text(nanos: f64) -> String {
    match nanos {
        nanos if nanos < 10_000.0 => format!("{nanos:.1} ns"),
        nanos if nanos < 10_000_000.0 => format!("{:.1} us", nanos / 1e3),
        nanos => format!("{:.1} ms", nanos / 1e6),
    }
}
