//! What else a process may have done, before `init` or before it crashes.

use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Barrier;

use crate::announce::{Kind, kind};
use crate::kinds::{null_write, settle};

/// What is known by a name.
pub(crate) fn find(name: &str) -> Option<Kind> {
    Some(match name {
        "forked-threads" => kind!(forked_threads),
        "shared" => kind!(shared),
        "closed" => kind!(closed),
        "at-exit" => kind!(at_exit),
        "in-hook" => kind!(in_hook),
        "new-plugin" => kind!(new_plugin),
        "blocked" => kind!(blocked),
        "limited" => kind!(limited),
        _ => return None,
    })
}

/// Done before `init`, for some of them.
pub(crate) fn prepare(kind: &str) {
    match kind {
        // SAFETY: a function of this program.
        "at-exit" => _ = unsafe { libc::atexit(exits) },
        "blocked" => {
            _ = with_abort(|set| {
                // SAFETY: reads a set of ours.
                unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set, std::ptr::null_mut()) }
            });
        }
        "limited" => {
            let limit = libc::rlimit { rlim_cur: 1, rlim_max: libc::RLIM_INFINITY };
            // SAFETY: reads a value of ours.
            unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
        }
        _ => {}
    }
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Waits for a child, and says how it ended.
fn tell_end(child: c_int) {
    let mut status = 0;
    // SAFETY: writes the status only.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    say(if libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV {
        "SIGSEGV"
    } else {
        "no crash"
    });
}

/// Four threads of a child crash at the same moment; this process ends well.
#[inline(never)]
fn forked_threads() {
    static BARRIER: Barrier = Barrier::new(4);
    settle();
    // SAFETY: this process has no threads of its own that hold anything.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let crash = || {
            BARRIER.wait();
            null_write();
        };
        for _ in 0..3 {
            let _ = std::thread::Builder::new().spawn(crash);
        }
        crash();
    }
    tell_end(child);
}

/// A child that shares the memory of this process crashes, as one of `vfork` may, and then this process does.
#[inline(never)]
fn shared() {
    const STACK: usize = 256 << 10;
    extern "C" fn body(_: *mut c_void) -> c_int {
        null_write();
        0
    }
    settle();
    let mut stack = vec![0_u128; STACK / 16];
    let end = stack.as_mut_ptr_range().end.cast();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child has a stack of its own, and this process waits until it is gone.
    let child = unsafe { libc::clone(body, end, flags, std::ptr::null_mut()) };
    tell_end(child);
    null_write();
}

/// The process has closed what it does not know, and the numbers belong to a file of its own now.
#[inline(never)]
fn closed() {
    settle();
    let path = std::env::temp_dir().join(format!("crashing-{}", std::process::id()));
    println!("own={}", path.display());
    for file in 3..256 {
        // SAFETY: what is closed belongs to nobody who may rely on it, as far as the program knows.
        unsafe { libc::close(file) };
    }
    let open = || std::fs::OpenOptions::new().create(true).read(true).append(true).open(&path);
    let files: Vec<_> = (0..64).map_while(|_| open().ok()).collect();
    black_box(&files);
    null_write();
}

/// A hook that was given to `atexit` before `init`, and so runs when the SDK is closed.
#[inline(never)]
#[expect(clippy::exit, reason = "the end is what is tried")]
fn at_exit() {
    settle();
    std::process::exit(0);
}

extern "C" fn exits() {
    null_write();
}

#[inline(never)]
fn in_hook() {
    std::panic::set_hook(Box::new(|_| null_write()));
    panic!("expected by the test");
}

/// A crash in a function of the C library, which one of a library has called that nobody has noticed yet.
#[inline(never)]
fn new_plugin() {
    settle();
    // SAFETY: a library of the C runtime without constructors of its own.
    let library = unsafe { libc::dlopen(c"libresolv.so.2".as_ptr(), libc::RTLD_NOW) };
    // SAFETY: the handle is open.
    let function = unsafe { libc::dlsym(library, c"ns_initparse".as_ptr()) };
    // SAFETY: it has these arguments. That one of them leads nowhere is the crash.
    let function: extern "C" fn(*const u8, c_int, *mut c_void) -> c_int =
        unsafe { std::mem::transmute(function) };
    black_box(function(black_box(std::ptr::null()), 0, black_box(std::ptr::null_mut())));
    black_box(());
}

/// The application waits for a signal that it has blocked: nobody else is to get it.
#[inline(never)]
fn blocked() {
    settle();
    let got = with_abort(|set| {
        let patience = libc::timespec { tv_sec: 20, tv_nsec: 0 };
        // SAFETY: a signal to this process, and values of ours.
        unsafe {
            libc::kill(libc::getpid(), libc::SIGABRT);
            libc::sigtimedwait(set, std::ptr::null_mut(), &raw const patience)
        }
    });
    say(if got == libc::SIGABRT { "got it" } else { "did not get it" });
}

fn with_abort(f: impl FnOnce(*const libc::sigset_t) -> c_int) -> c_int {
    // SAFETY: all-zero is a valid signal set, which is ours.
    let set = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&raw mut set, libc::SIGABRT);
        set
    };
    f(&raw const set)
}

/// Files may not become larger than a byte: who writes more is ended by the kernel.
#[inline(never)]
fn limited() {
    settle();
    say("still alive");
}
