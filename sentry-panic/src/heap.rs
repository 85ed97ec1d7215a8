//! Memory that the allocator keeps for later.
#![cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "the allocator of the C library is asked")
)]

/// Gives free memory back to the system, where the allocator would keep it. Takes milliseconds: not for a thread in a hurry.
pub(crate) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: it may be called at any time on any thread, and moves nothing that is in use.
        unsafe { libc::malloc_trim(0) };
    }
}
