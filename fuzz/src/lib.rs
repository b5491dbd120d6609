//! The properties that the targets check. They live with the tests, which check them, too.

#[path = "../../tests/any_bytes/mod.rs"]
pub mod any_bytes;
