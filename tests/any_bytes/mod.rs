//! Properties of any input, shared by the fuzzer (`fuzz/`), its corpus, which `corpus.rs` replays in every test
//! run, and `properties/`. Each function panics if its property does not hold.

pub mod files;
pub mod http;
pub mod open_metrics;
pub mod parser;
pub mod responses;
