//! The Qlara API as a client sees it: one GET at a time, and what its answers mean.
//!
//! The facts come from the page "UC-017 — Connect Social Profiles" of the API's documentation.

pub mod client;
pub mod credentials;
pub mod error;
pub mod model;
pub mod oddities;
pub mod tls;
pub mod transport;
mod walk;
