//! The data that is read from the gateway's responses.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, Utc};

use super::fields::Schema;
use super::paging::Paging;

/// The platforms of UC-017. `qlara_profiles` counts them even if no profile is connected.
pub(crate) const DOCUMENTED_PLATFORMS: [&str; 3] = ["facebook", "instagram", "whatsapp"];
/// All platforms that either API description names. The gateway may add others.
pub(crate) const KNOWN_PLATFORMS: [&str; 6] = [
    "facebook",
    "instagram",
    "whatsapp",
    "linkedin",
    "google",
    "tiktok",
];

/// The connection state of a profile (API page, "Behind the scenes — Social token management").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Works.
    Connected,
    /// The gateway could not refresh the token.
    TokenExpiring,
    /// The token has expired; messages fail.
    TokenExpired,
    /// WhatsApp: a problem with the Business API provider. Other platforms: the token has expired or was revoked.
    Disconnected,
    /// The response has neither a documented status nor the flag `disconnected`.
    Unknown,
}

impl Status {
    /// Every status, in the order of the exposition.
    pub const ALL: [Status; 5] = [
        Status::Connected,
        Status::TokenExpiring,
        Status::TokenExpired,
        Status::Disconnected,
        Status::Unknown,
    ];

    /// The value of the API and of the label `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Connected => "CONNECTED",
            Status::TokenExpiring => "TOKEN_EXPIRING",
            Status::TokenExpired => "TOKEN_EXPIRED",
            Status::Disconnected => "DISCONNECTED",
            Status::Unknown => "UNKNOWN",
        }
    }

    /// The status for a documented value of the API.
    pub fn documented(word: &str) -> Option<Status> {
        Status::ALL
            .into_iter()
            .find(|status| *status != Status::Unknown && status.as_str() == word)
    }
}

/// The word in the field `status` of a response, beside the [`Status`] that was parsed from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StatusWord {
    /// The response has no word: the flag `disconnected` decides, or nothing.
    #[default]
    Absent,
    /// The documented word of the parsed status.
    Documented,
    /// A word that the documentation does not name, cut to 100 characters.
    Other(Box<str>),
}

/// A profile in a response to `GET /socials`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProfile {
    /// The channel, never empty.
    pub platform: String,
    /// The stable identifier, never empty.
    pub id: String,
    /// The name of the profile on its platform, if the response has one.
    pub username: Option<String>,
    /// The human name, empty if the response has none.
    pub name: String,
    /// The connection state.
    pub status: Status,
    /// The word of the response for it.
    pub status_word: StatusWord,
    /// When the OAuth token expires, with the offset that the gateway states. WhatsApp has no token.
    pub token_expires_at: Option<DateTime<FixedOffset>>,
    /// When the profile was connected.
    pub connected_at: Option<DateTime<Utc>>,
    /// The phone number of a WhatsApp profile (E.164), which is personal data.
    pub phone_number: Option<String>,
    /// Linked pages or sub-accounts, if the response has them.
    pub linked_accounts: Option<LinkedAccounts>,
}

/// The details of a profile in a response to `GET /socials/{platform}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDetails {
    /// The identifier of the profile.
    pub id: String,
    /// The username, which identifies the profile in a list without identifiers.
    pub username: Option<String>,
    /// The identifier of the Facebook page.
    pub page_id: Option<String>,
    /// For example `E-commerce`.
    pub category: Option<String>,
    /// The granted OAuth scopes; `None` if the response does not have them.
    pub permissions: Option<BTreeSet<String>>,
    /// The time of the last activity.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// Linked pages or sub-accounts, if the response has them.
    pub linked_accounts: Option<LinkedAccounts>,
}

/// The properties of a list as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFacts {
    /// The number of profiles that the gateway reports.
    pub total: Option<u64>,
    /// Number of entries, readable or not.
    pub entries: u64,
    /// The fields about further pages.
    pub paging: Paging,
    /// The API description that the entries follow, if they differ between the two.
    pub schema: Option<Schema>,
    /// Whether any entry has the expiry of a token, readable or not.
    pub states_expiry: bool,
}

/// The properties of a details response as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetailsFacts {
    /// Number of entries, readable or not.
    pub entries: u64,
    /// The fields about further pages.
    pub paging: Paging,
}

/// The pages or sub-accounts that are linked to a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedAccounts {
    /// Number of linked accounts.
    pub count: u64,
    /// The linked accounts, each once; empty if the response has only their number.
    pub listed: Vec<LinkedAccount>,
}

/// A linked page or sub-account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedAccount {
    /// The identifier, never empty. Falls back to the name.
    pub id: String,
    /// The human name, if the response has one.
    pub name: Option<String>,
}
