//! The system calls of a crash: until its record is complete, they are those that are listed where they are made, and no others.
//! None of them is one of an allocator (`brk`, `mmap`) or of a lock (`futex`).
//!
//! Asks `strace`; where there is none, or nobody may trace, nobody knows.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use ingest::Server;

use crate::cache::Cache;
use crate::cases::{CASES, Case};
use crate::{PLACES, is_wanted, path};

/// `native/supported/linux/handler.rs`.
const HANDLER: [&str; 15] = [
    "gettid",
    "getpid",
    "prctl",
    "clock_gettime",
    "nanosleep",
    "clock_nanosleep",
    "fstat",
    "newfstatat",
    "write",
    "read",
    "poll",
    "rt_sigaction",
    "tgkill",
    "rt_sigreturn",
    "ppoll",
];
/// `native/supported/linux/helper.rs`.
const HELPER: [&str; 10] = [
    "process_vm_readv",
    "gettid",
    "getpid",
    "fstat",
    "newfstatat",
    "write",
    "read",
    "poll",
    "pwrite64",
    "fdatasync",
];

pub(crate) fn check(program: &Path) {
    let (mut seen, mut crashes) = (BTreeSet::new(), 0);
    for case in CASES.iter().filter(|case| is_wanted(case.kind)) {
        for place in PLACES {
            let Some(text) = trace(program, case, place) else {
                println!("system calls: not looked at, strace is missing or may not trace");
                return;
            };
            seen.extend(calls(&text, &format!("{} {place}", case.kind)));
            crashes += 1;
        }
    }
    println!("system calls of {crashes} crashes until the record is complete: {seen:?}");
}

/// What `strace` says of a crash of a process whose threads have all begun, from the signal on, after a line of whose it is.
fn trace(program: &Path, case: &Case, place: &str) -> Option<String> {
    let (cache, server) = (Cache::new("native-calls"), Server::start());
    std::fs::create_dir_all(&cache.0).expect("a directory");
    let trace = cache.0.join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(&trace).arg(program);
    command.args([&server.dsn(), path(&cache), case.kind, place, "late"]);
    command.output().ok()?;
    let text = std::fs::read_to_string(&trace).ok()?;
    let begin = text.find("--- SIG")?;
    let begin = text[..begin].rfind('\n').map_or(0, |end| end + 1);
    Some(text[begin..].to_owned())
}

/// The calls of the thread that crashed and of the one that writes the record, until it is on disk.
fn calls(text: &str, about: &str) -> BTreeSet<String> {
    let thread = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let crashed = thread(text);
    let helper = text.lines().find(|line| line.contains("process_vm_readv("));
    let helper = thread(helper.unwrap_or_else(|| panic!("{about}: no record in {text}")));
    let mut seen = BTreeSet::new();
    for line in text.lines().skip(1) {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        // What ends here has begun before.
        let Some((name, _)) = call.trim_start().split_once('(').filter(|(name, _)| !name.starts_with("<..."))
        else {
            continue;
        };
        let allowed = match thread {
            thread if thread == crashed => &HANDLER[..],
            thread if thread == helper => &HELPER[..],
            _ => continue,
        };
        assert!(allowed.contains(&name), "{about}: {line}");
        seen.insert(name.to_owned());
        if thread == helper && name == "fdatasync" {
            break;
        }
    }
    assert!(seen.contains("fdatasync"), "{about}: {seen:?}");
    seen
}
