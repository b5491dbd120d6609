//! Fallback without glibc: other allocators have no such settings, and return pages on their own.

pub(super) fn fix_mmap_threshold() {}

/// Never resolves and trims nothing.
pub(super) async fn trim_periodically() {
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    #[test]
    fn trimming_never_resolves() {
        super::fix_mmap_threshold();
        assert!(super::trim_periodically().now_or_never().is_none());
    }
}
