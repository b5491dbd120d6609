//! Tools for tests of an exporter: certificates, a clock, the log, an HTTP client, external programs.
//!
//! An exporter on this crate includes this directory in its own tests by its path, because Cargo does not share test code
//! between packages. The code that includes it allows dead code, because each test binary uses only a part.

pub mod certificates;
pub mod clock;
pub mod log;
pub mod openssl;
pub mod process;
pub mod tools;
pub mod web_config;

use std::path::Path;
use std::time::Duration;

/// A client without redirects, proxy and decompression.
pub fn http() -> reqwest::Client {
    let tls = exporter_toolkit::tls::client::client_config(None).expect("a TLS configuration");
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}

/// Waits until a condition holds, and fails after three minutes: shared machines may stall for long.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = tokio::time::Instant::now() + Duration::from_secs(180);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < give_up,
            "waited in vain: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes a file one byte longer than the limit. The file is sparse.
pub fn make_too_long(path: &Path) {
    let file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path);
    let longest = 16 * 1024 * 1024;
    file.expect("a file")
        .set_len(longest + 1)
        .expect("a length");
}
