//! Any bytes as the gateway's list of profiles.

#![no_main]

use libfuzzer_sys::fuzz_target;
use qlara_exporter_fuzz::any_bytes::responses;

fuzz_target!(|bytes: &[u8]| responses::list(bytes));
