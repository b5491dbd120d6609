//! Properties of any gateway response and any configuration, checked with random inputs.
//!
//! proptest minimizes and prints a failing case, and adds its seed to `proptest-regressions/`. Commit the seed
//! with the fix: later runs try it first.

mod configuration;
mod entries;
mod expected;
mod exposition;
mod mutations;
mod parser;
mod reapplied;
mod state_since;

use proptest::test_runner::Config;

/// This many cases, or the number in `PROPTEST_CASES`.
pub fn cases(usual: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let asked = asked.and_then(|cases| cases.parse().ok());
    Config::with_cases(asked.unwrap_or(usual))
}
