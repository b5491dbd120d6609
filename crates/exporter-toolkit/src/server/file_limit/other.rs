//! Fallback without `RLIMIT_NOFILE`: only memory and the fixed maximum limit connections. On Windows, sockets are handles,
//! of which a process may have millions.

pub(in crate::server) fn raise() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    #[test]
    fn file_descriptors_limit_nothing() {
        assert_eq!(super::raise(), u64::MAX);
    }
}
