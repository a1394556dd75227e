//! What glibc's allocator is told. It is tuned for programs that allocate and free in the same thread; here a
//! message is allocated by one thread and freed by another, and a checkpoint frees much at once.
//! docs/PERFORMANCE.md has the numbers.

/// Bounds the arenas: with one for each thread RSS creeps up. To be called before other threads run.
pub fn bound_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets a number, and no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Gives free pages back to the system, wherever they lie.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim takes the allocator's own locks and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}
