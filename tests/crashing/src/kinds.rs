//! The ways to crash. Each prints the line it crashes at, if that is its own.

use std::ffi::c_void;
use std::hint::black_box;
use std::io::Write as _;

use crate::announce::{Kind, announce, announce_caller, announce_in, announce_within, kind};
use crate::{costs, panics, surroundings};

/// Long enough for what was set to be kept ahead: nobody can look at the scopes in what follows.
pub(crate) fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(300));
}

/// What is known by a name.
pub(crate) fn find(name: &str) -> Option<Kind> {
    let others = [panics::find, costs::find, surroundings::find];
    others.iter().find_map(|find| find(name)).or_else(|| {
        Some(match name {
            "null-write" => kind!(null_write),
            "null-read" => kind!(null_read),
            "wild-read" => kind!(wild_read),
            "null-call" => kind!(null_call),
            "illegal" => kind!(illegal),
            "divide" => kind!(divide),
            "breakpoint" => kind!(breakpoint),
            "bus" => kind!(bus),
            "libc-abort" => kind!(libc_abort),
            "process-abort" => kind!(process_abort),
            "double-free" => kind!(double_free),
            "heap" => kind!(heap),
            "ruined-heap" => kind!(ruined_heap),
            "allocation" => kind!(allocation),
            "overflow" => kind!(overflow),
            "smashed-frame" => kind!(smashed_frame),
            "smashed-stack" => kind!(smashed_stack),
            "sys" => kind!(sys),
            "raise-fpe" => kind!(raise_fpe),
            "in-libc" => kind!(in_libc),
            "low-stack" => kind!(low_stack),
            "many" => kind!(many),
            "locks-held" => kind!(locks_held),
            "in-allocator" => kind!(in_allocator),
            "forked" => kind!(forked),
            "plugin" => kind!(plugin),
            "foreign" => kind!(foreign),
            "sent" => kind!(sent),
            "inlined" => kind!(inlined),
            "truncated" => kind!(truncated),
            "wild-jump" => kind!(wild_jump),
            _ => return None,
        })
    })
}

#[inline(never)]
pub(crate) fn null_write() {
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

/// A mapping of a file that was cut off behind our back.
#[inline(never)]
fn truncated() {
    // SAFETY: a temporary file of our own.
    let page = unsafe {
        let file = libc::memfd_create(c"truncated".as_ptr(), 0);
        libc::ftruncate(file, 4_096);
        let page = libc::mmap(std::ptr::null_mut(), 4_096, libc::PROT_READ, libc::MAP_SHARED, file, 0);
        black_box(page.cast::<u64>().read_volatile());
        libc::ftruncate(file, 0);
        page
    };
    announce(line!() + 2);
    // SAFETY: not at all.
    let value = unsafe { black_box(page.cast::<u64>()).read_volatile() };
    black_box(value);
}

/// A call of what is no function.
#[inline(never)]
fn wild_jump() {
    // SAFETY: not at all.
    let function: extern "C" fn() = unsafe { std::mem::transmute(black_box(0x1230_usize)) };
    announce(line!() + 1);
    function();
    black_box(());
}

/// It happens in a function that is part of this one.
#[inline(never)]
fn inlined() {
    announce_caller(std::any::type_name_of_val(&inlined), line!() + 1);
    inner();
    black_box(());
}

#[inline(always)]
fn inner() {
    announce_in(&inner, line!() + 2);
    // SAFETY: not at all.
    unsafe { black_box(std::ptr::null_mut::<u64>()).write_volatile(7) };
    black_box(());
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

/// A crash of another cause, when nothing is right any more that the allocator knows: heads of blocks, lists of free ones, the end.
#[inline(never)]
fn ruined_heap() {
    settle();
    announce(line!() + 14);
    let blocks: Vec<*mut c_void> = (0..2_000)
        // SAFETY: asks for memory.
        .map(|number| unsafe { libc::malloc(16 + number % 13 * 90) })
        .collect();
    for block in blocks.iter().step_by(2) {
        // SAFETY: nobody uses it.
        unsafe { libc::free(*block) };
    }
    for block in &blocks {
        // SAFETY: not at all.
        unsafe { std::ptr::write_bytes(block.cast::<u8>().wrapping_sub(16), 0xa5, 32) };
    }
    // SAFETY: not at all.
    unsafe { black_box(std::ptr::null_mut::<u64>()).write_volatile(7) };
    black_box(());
}

#[inline(never)]
fn allocation() {
    let layout = std::alloc::Layout::new::<[u64; 99]>();
    announce(line!() + 1);
    std::alloc::handle_alloc_error(black_box(layout));
}

#[inline(never)]
fn overflow() {
    announce_within(&deeper, DEEPER.0, DEEPER.1);
    black_box(deeper(1));
}

/// Where the next function begins and ends.
const DEEPER: (u32, u32) = (line!() + 3, line!() + 6);

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

/// A thread with a small stack that is nearly used up.
#[inline(never)]
fn low_stack() {
    kind!(null_write).announce();
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
    kind!(null_write).announce();
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
