//! The Qlara API as a client sees it: one GET at a time, and what its answers mean.
//!
//! Two published descriptions of the same endpoints differ: the page "UC-017 — Connect Social
//! Profiles" and the reference page "List connected social profiles". [`fields`] is the table of what
//! is read from either, [`model`] reads by it.

mod body;
mod body_budget;
pub mod client;
pub mod credentials;
pub mod date;
mod entry;
mod envelope;
pub mod error;
pub mod field_names;
pub mod fields;
pub mod head;
pub mod invalid;
mod linked;
pub mod model;
mod paging;
pub mod proxy;
pub mod resolver;
mod sent_secret;
mod server_verifier;
pub mod tls;
pub mod transport;
pub mod values;
pub mod warnings;

pub use body::ReceivedBody;
pub use body_budget::{AccountBodies, BodyBudget};
pub use linked::{LinkedAccount, LinkedAccounts};
pub use paging::Paging;
pub use sent_secret::SentSecret;

/// The prefixes that the API's pages write: that of UC-017 and the reference page, and that of the
/// guides and the published request collection.
pub const PREFIXES: [&str; 2] = ["/api/v1/partner-gateway", "/api/partner-gateway/v1"];
