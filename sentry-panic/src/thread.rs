//! Threads, as events name them.
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "the system's number of a thread has no safe function")
)]

#[cfg(target_os = "linux")]
use std::cell::Cell;
use std::fmt::Write;

#[cfg(target_os = "linux")]
use sentry_core::process;
use sentry_core::protocol::{Thread, ThreadId};

/// Number and name of the calling thread.
pub(crate) fn current() -> Thread {
    // Destructors of thread-locals may ask as well: std gives the handle up after the last of them.
    let thread = std::thread::current();
    Thread {
        id: number(thread.id()).map(ThreadId::Int),
        name: thread.name().map(str::to_owned),
        ..Thread::default()
    }
}

/// The number the system knows the calling thread by. Only where [`others`] needs it.
pub(crate) fn system_number() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let process = process::generation();
        let known = NUMBER.try_with(Cell::get).ok().filter(|known| known.1 == process);
        let number = known.map_or_else(|| ask(process), |(number, _)| number);
        u64::try_from(number).ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        None
    }
}

#[cfg(target_os = "linux")]
thread_local! {
    /// In which process: the thread that forks has another number in the child.
    static NUMBER: Cell<(libc::pid_t, u32)> = const { Cell::new((0, u32::MAX)) };
}

/// A system call, which takes longer than anything else of a panic hook's.
#[cfg(target_os = "linux")]
fn ask(process: u32) -> libc::pid_t {
    // SAFETY: a system call without arguments that always succeeds.
    let number = unsafe { libc::gettid() };
    let _ = NUMBER.try_with(|known| known.set((number, process)));
    number
}

/// Whether that is the number of the thread that runs `main`.
pub(crate) fn is_main(number: u64) -> bool {
    cfg!(target_os = "linux") && number == u64::from(std::process::id())
}

/// The other threads of this process by number, name and state, as the system knows them; none where it does not tell. Our own
/// are of no interest.
pub(crate) fn others(than: u64) -> Vec<Thread> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let thread = |task: std::fs::DirEntry| {
        let number: u64 = task.file_name().to_str()?.parse().ok()?;
        if number == than {
            return None;
        }
        let stat = std::fs::read(task.path().join("stat")).ok()?;
        let (name, state) = name_and_state(&stat)?;
        // As text: the numbers of std count differently, and both are in one list.
        let id = Some(ThreadId::String(format!("tid {number}")));
        let main = is_main(number).then_some(true);
        let thread = || Thread { id, name: Some(name.clone()), main, state, ..Thread::default() };
        (!name.starts_with("sentry-")).then(thread)
    };
    tasks.flatten().filter_map(thread).take(MAX_OTHERS).collect()
}

/// What `stat` says of a thread: `7 (name) S …`, where the name may be anything.
fn name_and_state(stat: &[u8]) -> Option<(String, Option<String>)> {
    let stat = String::from_utf8_lossy(stat);
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let state = match rest.trim_start().chars().next()? {
        'R' => "running",
        'S' => "sleeping",
        'D' => "waiting for a device",
        'T' => "stopped",
        't' => "traced",
        'X' | 'Z' => "dead",
        _ => return Some((name.to_owned(), None)),
    };
    Some((name.to_owned(), Some(state.to_owned())))
}

/// What fits a page, and does not take long to list.
const MAX_OTHERS: usize = 128;

/// The number in `ThreadId(7)`: std has no stable way to ask for it.
fn number(id: std::thread::ThreadId) -> Option<u64> {
    let mut digits = Digits(None);
    let _ = write!(digits, "{id:?}");
    digits.0
}

/// Reads the number in a text without keeping the text.
struct Digits(Option<u64>);

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for digit in text.bytes().filter(u8::is_ascii_digit) {
            let number = self.0.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.0 = Some(number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn other_threads_are_listed_by_name() {
        let (begun, end) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            let wait = || (begun.wait(), end.wait());
            std::thread::Builder::new().name("stock-keeper".into()).spawn_scoped(scope, wait).unwrap();
            begun.wait();
            let own = system_number().unwrap();
            let others = others(own);
            let is_keeper = |thread: &&Thread| thread.name.as_deref() == Some("stock-keeper");
            let keeper = others.iter().find(is_keeper).unwrap_or_else(|| panic!("{others:?}"));
            assert!(
                ["running", "sleeping"].contains(&keeper.state.as_deref().unwrap()) && keeper.main.is_none()
            );
            // Tests do not run on the main thread, which waits for them.
            let main: Vec<_> = others.iter().filter(|thread| thread.main == Some(true)).collect();
            assert!(main.len() == 1 && !is_main(own), "{others:?}");
            assert!(others.iter().all(|thread| thread.id != Some(ThreadId::String(format!("tid {own}")))));
            end.wait();
        });
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_number_is_the_one_of_the_thread_that_asks() {
        // SAFETY: a system call without arguments that always succeeds.
        let real = || u64::try_from(unsafe { libc::gettid() }).ok();
        assert_eq!((system_number(), system_number()), (real(), real()));
        let other = std::thread::scope(|scope| scope.spawn(|| (system_number(), real())).join().unwrap());
        assert_eq!(other.0, other.1);
        assert_ne!(other.0, system_number());
        NUMBER.with(|known| known.set((1, process::generation().wrapping_add(1))));
        assert_eq!(system_number(), real(), "what another process knew is not believed");
    }

    #[test]
    fn a_name_may_look_like_anything() {
        let read = |stat: &str| name_and_state(stat.as_bytes());
        let known = |name: &str, state: &str| Some((name.to_owned(), Some(state.to_owned())));
        assert_eq!(read("7 (worker) S 1 7"), known("worker", "sleeping"));
        assert_eq!(read("7 (a) (R) D 1"), known("a) (R", "waiting for a device"));
        assert_eq!(read("7 () R"), known("", "running"));
        assert_eq!(read("7 (new) ? 1"), Some(("new".to_owned(), None)));
        for stat in ["", "7", "7 (", "7 (x", "7 (x)", "7 )x( S"] {
            assert_eq!(read(stat), None, "{stat}");
        }
    }

    #[test]
    fn the_number_is_the_one_std_prints() {
        let id = std::thread::current().id();
        assert_eq!(format!("{id:?}"), format!("ThreadId({})", number(id).unwrap()));
        assert!(current().name.is_some());
    }
}
