//! The ways to crash. Each prints the line it crashes at, if that is its own.

use std::ffi::c_void;
use std::hint::black_box;
use std::io::Write as _;

/// Tells the parent where it is going to happen.
fn announce(line: u32) {
    let _ = writeln!(std::io::stdout(), "line={line}");
    let _ = std::io::stdout().flush();
}

/// Long enough for what was set to be kept ahead: nobody can look at the scopes in what follows.
fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(300));
}

/// What is known by a name.
pub(crate) fn find(name: &str) -> Option<fn()> {
    Some(match name {
        "null-write" => null_write,
        "null-read" => null_read,
        "wild-read" => wild_read,
        "null-call" => null_call,
        "illegal" => illegal,
        "divide" => divide,
        "breakpoint" => breakpoint,
        "bus" => bus,
        "libc-abort" => libc_abort,
        "process-abort" => process_abort,
        "double-free" => double_free,
        "heap" => heap,
        "allocation" => allocation,
        "overflow" => overflow,
        "smashed-frame" => smashed_frame,
        "smashed-stack" => smashed_stack,
        "sys" => sys,
        "raise-fpe" => raise_fpe,
        "in-libc" => in_libc,
        "double-panic" => double_panic,
        "low-stack" => low_stack,
        "many" => many,
        "locks-held" => locks_held,
        "in-allocator" => in_allocator,
        "forked" => forked,
        "plugin" => plugin,
        "foreign" => foreign,
        "sent" => sent,
        "cost" => cost,
        "nounwind-panic" => nounwind_panic,
        "caught-then-abort" => caught_then_abort,
        _ => return None,
    })
}

#[inline(never)]
fn null_write() {
    announce(line!() + 2);
    // SAFETY: not at all.
    unsafe { black_box(std::ptr::null_mut::<u64>()).write_volatile(7) };
    black_box(());
}

#[inline(never)]
fn null_read() {
    announce(line!() + 2);
    // SAFETY: not at all.
    let value = unsafe { black_box(std::ptr::null::<u64>()).read_volatile() };
    black_box(value);
}

#[inline(never)]
fn wild_read() {
    announce(line!() + 2);
    // SAFETY: not at all. Not an address of this machine: the fault tells none.
    let value = unsafe { black_box(0x0123_4567_89ab_cde8_usize as *const u64).read_volatile() };
    black_box(value);
}

#[inline(never)]
fn null_call() {
    // SAFETY: not at all.
    let function: extern "C" fn() = unsafe { std::mem::transmute(black_box(1_usize) - 1 + black_box(0)) };
    announce(line!() + 1);
    function();
    black_box(());
}

#[inline(never)]
fn illegal() {
    announce(line!() + 4);
    // SAFETY: not at all.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("ud2")
    };
    // SAFETY: not at all.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("udf #0")
    };
    black_box(());
}

#[inline(never)]
fn divide() {
    announce(line!() + 4);
    // SAFETY: not at all.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("xor ecx, ecx", "mov eax, 1", "xor edx, edx", "div ecx", out("eax") _, out("ecx") _, out("edx") _)
    };
    // SAFETY: ends the process.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe {
        libc::raise(libc::SIGFPE)
    };
    black_box(());
}

#[inline(never)]
fn breakpoint() {
    announce(line!() + 4);
    // SAFETY: a trap without a debugger.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("int3")
    };
    // SAFETY: ends the process.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe {
        libc::raise(libc::SIGTRAP)
    };
    black_box(());
}

/// A mapping beyond the end of its file.
#[inline(never)]
fn bus() {
    // SAFETY: a temporary file of our own.
    let page = unsafe {
        let file = libc::memfd_create(c"bus".as_ptr(), 0);
        libc::mmap(std::ptr::null_mut(), 4_096, libc::PROT_READ, libc::MAP_SHARED, file, 0)
    };
    announce(line!() + 2);
    // SAFETY: not at all.
    let value = unsafe { black_box(page.cast::<u64>()).read_volatile() };
    black_box(value);
}

#[inline(never)]
fn libc_abort() {
    announce(line!() + 2);
    // SAFETY: ends the process.
    unsafe { libc::abort() };
}

#[inline(never)]
fn process_abort() {
    announce(line!() + 1);
    std::process::abort();
}

#[inline(never)]
fn double_free() {
    // SAFETY: not at all.
    unsafe {
        let block = black_box(libc::malloc(64));
        libc::free(block);
        announce(line!() + 1);
        libc::free(black_box(block));
    }
    black_box(());
}

/// Destroys what the allocator knows, in this thread's arena and in others, and goes on to use it.
#[inline(never)]
fn heap() {
    settle();
    let blocks: Vec<*mut c_void> = (0..200)
        // SAFETY: asks for memory.
        .map(|size| unsafe { libc::malloc(16 + size % 7 * 400) })
        .collect();
    for block in &blocks {
        // SAFETY: not at all.
        unsafe { std::ptr::write_bytes(block.cast::<u8>().wrapping_sub(16), 0xa5, 64) };
    }
    announce(0);
    for block in blocks {
        // SAFETY: not at all.
        unsafe { libc::free(black_box(block)) };
    }
    for size in 0..1_000_usize {
        black_box(vec![0_u8; size * 37]);
    }
    // SAFETY: not at all. Should the allocator not have noticed.
    unsafe { std::ptr::null_mut::<u64>().write_volatile(1) };
}

#[inline(never)]
fn allocation() {
    let layout = std::alloc::Layout::new::<[u64; 99]>();
    announce(line!() + 1);
    std::alloc::handle_alloc_error(black_box(layout));
}

#[inline(never)]
fn overflow() {
    announce(0);
    black_box(deeper(1));
}

#[inline(never)]
fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 32]);
    if depth == u64::MAX { 0 } else { deeper(depth + 1) + room[(depth % 32) as usize] }
}

#[inline(never)]
fn smashed_frame() {
    announce(0);
    // SAFETY: not at all.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("mov rbp, 0x10", "mov qword ptr [0], 1", options(noreturn))
    };
    // SAFETY: not at all.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("mov x29, #16", "mov x0, #0", "str x0, [x0]", options(noreturn))
    };
}

#[inline(never)]
fn smashed_stack() {
    announce(0);
    // SAFETY: not at all.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("mov rsp, 0x10", "push 1", options(noreturn))
    };
    // SAFETY: not at all.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("mov x0, #16", "mov sp, x0", "str x0, [sp]", options(noreturn))
    };
}

#[inline(never)]
fn sys() {
    announce(line!() + 2);
    // SAFETY: ends the process.
    unsafe { libc::raise(libc::SIGSYS) };
    black_box(());
}

#[inline(never)]
fn raise_fpe() {
    announce(line!() + 2);
    // SAFETY: ends the process.
    unsafe { libc::raise(libc::SIGFPE) };
    black_box(());
}

/// The fault happens in a function of the C library.
#[inline(never)]
fn in_libc() {
    announce(line!() + 2);
    // SAFETY: not at all.
    unsafe { libc::memset(black_box(std::ptr::null_mut()), 1, black_box(100_000)) };
    black_box(());
}

#[inline(never)]
fn double_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("second, while unwinding");
        }
    }
    announce(0);
    let _bomb = Bomb;
    panic!("first");
}

/// A panic that may not unwind, and whose message is not always the same.
#[inline(never)]
fn nounwind_panic() {
    extern "C" fn fails() {
        panic!("in a function of C");
    }
    announce(0);
    fails();
}

/// The abort has nothing to do with the panic.
#[inline(never)]
fn caught_then_abort() {
    let caught = std::panic::catch_unwind(|| panic!("caught"));
    black_box(caught.is_err());
    announce(line!() + 2);
    // SAFETY: ends the process.
    unsafe { libc::abort() };
}

/// A thread with a small stack that is nearly used up.
#[inline(never)]
fn low_stack() {
    let body = || {
        let mut here = 0_u8;
        near_the_end((&raw mut here) as usize);
    };
    if let Ok(thread) = std::thread::Builder::new().name("worker".into()).stack_size(64 << 10).spawn(body) {
        let _ = thread.join();
    }
}

/// Goes on until about 16 KiB are left, and crashes there.
#[inline(never)]
fn near_the_end(begin: usize) {
    let room = black_box([0_u8; 512]);
    if begin - room.as_ptr() as usize > 44 << 10 {
        null_write();
    } else {
        near_the_end(begin);
    }
    black_box(room);
}

/// Eight threads at the same moment.
#[inline(never)]
fn many() {
    static BARRIER: std::sync::Barrier = std::sync::Barrier::new(8);
    for _ in 0..7 {
        let _ = std::thread::Builder::new().spawn(|| {
            BARRIER.wait();
            null_write();
        });
    }
    BARRIER.wait();
    null_write();
}

/// This thread holds every lock of the SDK that there is: as if it had crashed within any of them.
#[inline(never)]
fn locks_held() {
    settle();
    let owners = sentry::process::Owners::now();
    let held = owners.hold();
    null_write();
    drop(held);
}

/// Nobody gets memory any more, as the allocator was interrupted.
#[inline(never)]
fn in_allocator() {
    settle();
    announce(0);
    crate::allocator::HELD.store(true, std::sync::atomic::Ordering::SeqCst);
    // SAFETY: not at all.
    unsafe { black_box(std::ptr::null_mut::<u64>()).write_volatile(7) };
    black_box(());
}

/// A child crashes; this process ends well.
#[inline(never)]
fn forked() {
    settle();
    // SAFETY: the child does nothing but crash.
    let child = unsafe { libc::fork() };
    if child == 0 {
        null_write();
    }
    let mut status = 0;
    // SAFETY: writes the status only.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    let _ = writeln!(
        std::io::stderr(),
        "the child died of {}",
        ["", "eleven"][usize::from(libc::WTERMSIG(status) == 11)]
    );
}

/// A call into a library that was loaded late, and into it again when it is gone.
#[inline(never)]
fn plugin() {
    // SAFETY: a library of the C runtime without constructors of its own.
    let library = unsafe { libc::dlopen(c"libresolv.so.2".as_ptr(), libc::RTLD_NOW) };
    // SAFETY: the handle is open.
    let function = unsafe { libc::dlsym(library, c"ns_initparse".as_ptr()) };
    sentry::configure_scope(|scope| scope.set_tag("plugin", "loaded"));
    std::thread::sleep(std::time::Duration::from_millis(1_300));
    // SAFETY: the handle is open.
    unsafe { libc::dlclose(library) };
    // SAFETY: not at all.
    let function: extern "C" fn() = unsafe { std::mem::transmute(function) };
    announce(line!() + 1);
    function();
    black_box(());
}

/// A thread that C has started, and that has asked for an alternate stack.
#[inline(never)]
fn foreign() {
    extern "C" fn body(_: *mut c_void) -> *mut c_void {
        if sentry::crash::protect_thread().is_ok() {
            black_box(deeper(1));
        }
        std::ptr::null_mut()
    }
    announce(0);
    let mut thread = 0;
    // SAFETY: a function of this program, and no argument.
    unsafe { libc::pthread_create(&raw mut thread, std::ptr::null(), body, std::ptr::null_mut()) };
    // SAFETY: the thread was just made.
    unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
}

/// Waits for a signal from outside.
#[inline(never)]
fn sent() {
    announce(0);
    std::thread::sleep(std::time::Duration::from_secs(20));
}

/// What the calls cost that a crash handler has to know about, in nanoseconds. For release builds.
#[inline(never)]
#[expect(clippy::disallowed_methods, reason = "measures with the clock of the system")]
fn cost() {
    const TIMES: u32 = 300_000;
    let measure = |name: &str, call: &dyn Fn(u32)| {
        let mut best = u128::MAX;
        for _ in 0..7 {
            let begun = std::time::Instant::now();
            (0..TIMES).for_each(call);
            best = best.min(begun.elapsed().as_nanos());
        }
        let _ = writeln!(std::io::stdout(), "{name}={:.1}", best as f64 / f64::from(TIMES));
    };
    measure("tag", &|number| sentry::configure_scope(|scope| scope.set_tag("number", number % 7)));
    measure("breadcrumb", &|_| sentry::add_breadcrumb(sentry::Breadcrumb::default()));
    measure("with_scope", &|_| sentry::with_scope(|_| (), || ()));
    let hub = std::sync::Arc::new(sentry::Hub::new_from_top(sentry::Hub::current()));
    measure("hub", &|_| sentry::Hub::run(std::sync::Arc::clone(&hub), || ()));
}
