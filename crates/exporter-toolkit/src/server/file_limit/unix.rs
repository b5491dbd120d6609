//! The limit `RLIMIT_NOFILE`.

use rlimit::Resource;
use tracing::debug;

/// Assumed limit of file descriptors if `getrlimit` fails.
const DEFAULT_FILE_LIMIT: u64 = 1024;

/// Raises the soft limit of file descriptors to the hard limit, as Go's runtime does, and returns it. The default soft
/// limit is low for programs that use `select`.
pub(in crate::server) fn raise() -> u64 {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        debug!(err = %error, "Cannot raise the file descriptor limit");
    }
    Resource::NOFILE
        .get()
        .map_or(DEFAULT_FILE_LIMIT, |(soft, _)| soft)
}
