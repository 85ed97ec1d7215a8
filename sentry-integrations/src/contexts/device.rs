//! The machine.

use std::time::Duration;

use sentry_core::protocol::{Context, DeviceContext, Map, Value};

use crate::contexts::utils::ARCH;

pub(super) fn context() -> Context {
    let mut other = Map::new();
    if let Ok(cores) = std::thread::available_parallelism() {
        other.insert("processor_count".to_owned(), Value::from(cores.get()));
    }
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let uptime = std::fs::read_to_string("/proc/uptime").ok().and_then(|text| parse_uptime(&text));
    DeviceContext {
        arch: Some(ARCH.to_owned()),
        memory_size: parse_meminfo(&memory, "MemTotal"),
        boot_time: uptime.and_then(|uptime| sentry_core::clock::now().checked_sub(uptime)),
        other,
        ..DeviceContext::default()
    }
    .into()
}

/// `MemTotal:       24689876 kB` as bytes. The status of a process is written in the same way.
pub(super) fn parse_meminfo(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn parse_uptime(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.split_whitespace().next()?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_files_are_parsed_or_refused() {
        assert_eq!(parse_meminfo("MemTotal:  16 kB\nMemFree: 8 kB\n", "MemFree"), Some(8 * 1024));
        assert_eq!(parse_meminfo("MemTotal:  99999999999999999999 kB", "MemTotal"), None);
        assert_eq!(parse_uptime("12.5 3.0\n"), Some(Duration::from_millis(12_500)));
        assert_eq!(parse_uptime("-1 nan"), None);
    }
}
