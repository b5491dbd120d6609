//! What holds for any answer of the gateway and any configuration, checked with some made at random.
//!
//! A case that fails is made as small as possible and printed, and its seed is added to
//! `proptest-regressions/`: committed with the fix, it is tried first in every later run.

mod configuration;
mod entries;
mod expected;
mod exposition;
mod mutations;
mod parser;
mod reapplied;

use proptest::test_runner::Config;

/// So many cases, or as many as `PROPTEST_CASES` asks for.
pub fn cases(usual: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let asked = asked.and_then(|cases| cases.parse().ok());
    Config::with_cases(asked.unwrap_or(usual))
}
