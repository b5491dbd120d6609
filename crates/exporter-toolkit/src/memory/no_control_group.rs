//! Fallback without control groups, which exist on Linux only: no limit is known.

pub(super) fn limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn limit_is_unknown() {
        assert_eq!(super::limit(), None);
    }
}
