//! The memory limit of the process, and settings of the allocator.
//!
//! ```
//! use exporter_toolkit::memory;
//!
//! memory::give_back_large_buffers();
//! let cache_bytes = memory::limit().map_or(64 << 20, |limit| limit / 4);
//! # assert!(cache_bytes > 0);
//! ```

#[cfg(target_os = "linux")]
mod control_group;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc;
#[cfg(any(not(target_os = "linux"), test))]
mod no_control_group;
#[cfg(any(not(all(target_os = "linux", target_env = "gnu")), test))]
mod other_allocator;

#[cfg(target_os = "linux")]
use control_group as container;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use glibc as allocator;
#[cfg(not(target_os = "linux"))]
use no_control_group as container;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
use other_allocator as allocator;

/// The memory limit in bytes: the smallest of the control group and its ancestors. `None` without a limit, or if it cannot
/// be read.
pub fn limit() -> Option<u64> {
    container::limit()
}

/// Makes glibc return large buffers to the system as soon as they are freed. By default, glibc raises its threshold for
/// large buffers each time one is freed, and keeps freed response bodies in the arenas of all threads, which can triple the
/// resident memory.
pub fn give_back_large_buffers() {
    allocator::fix_mmap_threshold();
}

/// Returns the free pages of all arenas to the system every few seconds, and never resolves. Without this, glibc
/// returns only pages at the end of an arena, so that each arena keeps the peak usage of its threads.
pub(crate) async fn return_free_pages() {
    allocator::trim_periodically().await;
}
