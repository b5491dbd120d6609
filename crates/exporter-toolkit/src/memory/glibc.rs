//! Calls of glibc's allocator (mallopt(3), malloc_trim(3)).

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// From this size in bytes, glibc maps each buffer on its own and unmaps it when it is freed.
const MMAP_THRESHOLD: libc::c_int = 128 * 1024;
/// Pause between two trims. A trim that finds nothing takes less than a millisecond.
const TRIM_INTERVAL: Duration = Duration::from_secs(5);

pub(super) fn fix_mmap_threshold() {
    // SAFETY: mallopt takes two numbers and refers to no memory of this program.
    // On failure it returns 0 and changes nothing.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD) };
}

pub(super) async fn trim_periodically() {
    loop {
        sleep(TRIM_INTERVAL).await;
        // On a blocking thread, because trimming many pages takes milliseconds.
        let _ = spawn_blocking(trim).await;
    }
}

fn trim() {
    // SAFETY: malloc_trim takes a number, is safe on any thread, and leaves allocated memory as it is.
    unsafe { libc::malloc_trim(0) };
}
