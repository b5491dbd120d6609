//! Any bytes as what a client sends over a connection.

#![no_main]

use std::cell::LazyCell;

use libfuzzer_sys::fuzz_target;
use qlara_exporter_fuzz::any_bytes::http::Served;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    // Of one thread, so that the same bytes take the same way.
    static SERVED: LazyCell<(Runtime, Served)> = LazyCell::new(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let served = runtime.block_on(Served::start());
        (runtime, served)
    });
}

fuzz_target!(|bytes: &[u8]| {
    SERVED.with(|served| {
        let (runtime, served) = &**served;
        runtime.block_on(served.request(bytes));
    });
});
