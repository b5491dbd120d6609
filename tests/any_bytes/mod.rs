//! What holds for any bytes from outside, whoever makes them up: the fuzzer (`fuzz/`), its corpus,
//! which `corpus.rs` plays again in every test run, or `properties/`. Each function panics when
//! its property does not hold.

pub mod answers;
pub mod files;
pub mod http;
pub mod parser;
