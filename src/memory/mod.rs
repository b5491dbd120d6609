//! The memory limit of the process, and settings of the allocator.

mod control_group;

pub use control_group::limit;

/// From this size in bytes, memory comes from the system and goes back to it by itself.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: std::ffi::c_int = 128 * 1024;

/// Keeps glibc to giving large buffers back to the system. Left alone it raises the size that counts
/// as large with every buffer that is freed, and keeps the text and the answers of former refreshes in
/// the arenas of each thread that has worked on one: three times what is in use.
pub fn give_back_large_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;

        const M_MMAP_THRESHOLD: c_int = -3;
        // SAFETY: mallopt(3) takes two numbers and is declared so in malloc.h.
        unsafe extern "C" {
            safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        // It returns 0 where it does nothing, and then all is as it was.
        let _ = mallopt(M_MMAP_THRESHOLD, LARGE);
    }
}
