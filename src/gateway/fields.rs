//! The table of fields: everything that is read from an entry of an answer, the names under which it
//! may come, and what follows when it is absent.
//!
//! Two descriptions of the same endpoints exist: the page "UC-017 — Connect Social Profiles" gives
//! names; the reference page "List connected social profiles" describes the fields in prose, and only
//! `disconnected` is literal there. `docs/gateway.md` shows this table to operators.

use Answer::{Both, Details, List};
use Schema::{Reference, Uc017};

/// Something that is read from an answer. The names of the API's page are the values of the label
/// `field` of `qlara_gateway_invalid_fields_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The channel.
    Platform,
    /// The stable identifier.
    Id,
    /// The name of the profile on its platform.
    Username,
    /// The human name.
    Name,
    /// The connection state, as one of four words.
    Status,
    /// The connection state, as a flag.
    Disconnected,
    /// When the OAuth token ends.
    TokenExpiresAt,
    /// When the profile was connected.
    ConnectedAt,
    /// WhatsApp: personal data.
    PhoneNumber,
    /// Pages or sub-accounts behind the profile: their number, or the whole list.
    LinkedAccounts,
    /// The Facebook page.
    PageId,
    /// For example `E-commerce`.
    Category,
    /// The granted OAuth scopes.
    Permissions,
    /// The last activity.
    LastActivityAt,
    /// The number of profiles in the whole list; it stands beside the entries.
    Total,
}

/// How many fields an entry may have.
pub const ENTRY_FIELDS: usize = TABLE.len();

impl Field {
    /// The fields that can be invalid on their own, so that each can be exposed at 0 from the start.
    /// An entry without a usable platform or identity is dropped as a whole instead.
    pub const COUNTED: [Field; 13] = [
        Field::Total,
        Field::Name,
        Field::Status,
        Field::TokenExpiresAt,
        Field::ConnectedAt,
        Field::PhoneNumber,
        Field::PageId,
        Field::Category,
        Field::Permissions,
        Field::LastActivityAt,
        Field::Username,
        Field::Disconnected,
        Field::LinkedAccounts,
    ];

    /// Whether its value is a date.
    pub fn is_date(self) -> bool {
        matches!(
            self,
            Field::TokenExpiresAt | Field::ConnectedAt | Field::LastActivityAt
        )
    }

    /// The first documented name, and the label value.
    pub fn as_str(self) -> &'static str {
        self.row().map_or("total", |row| row.names[0])
    }

    /// The row of the table; `total` has none, because it does not stand in an entry.
    pub fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.field == self)
    }
}

/// Which of the two published descriptions an answer follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Schema {
    /// The page "UC-017 — Connect Social Profiles".
    Uc017,
    /// The reference page "List connected social profiles".
    Reference,
    /// Fields that only one of them has, from both.
    Mixed,
}

impl Schema {
    /// The value of the label `schema`.
    pub fn as_str(self) -> &'static str {
        match self {
            Schema::Uc017 => "uc-017",
            Schema::Reference => "reference",
            Schema::Mixed => "mixed",
        }
    }

    /// The description of an answer in which fields of both were met.
    pub fn and(self, other: Schema) -> Schema {
        match self == other {
            true => self,
            false => Schema::Mixed,
        }
    }
}

/// Which answers a field is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `GET /socials`.
    List,
    /// `GET /socials/{platform}`.
    Details,
    /// Either.
    Both,
}

impl Answer {
    /// The answer in words.
    pub fn as_str(self) -> &'static str {
        match self {
            List => "list",
            Details => "details",
            Both => "list, details",
        }
    }
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// What is read.
    pub field: Field,
    /// The key in `gateway.fields`.
    pub key: &'static str,
    /// The names under which it may come: the first one that is present and not `null` counts. Case,
    /// `_` and `-` do not matter.
    pub names: &'static [&'static str],
    /// The JSON type, in words.
    pub kind: &'static str,
    /// Where it is read.
    pub answer: Answer,
    /// The description that alone has this field, where it tells the two apart.
    pub schema: Option<Schema>,
    /// What follows when it is absent or `null`.
    pub when_absent: &'static str,
}

/// Every field of an entry.
pub const TABLE: [Row; 14] = [
    Row {
        field: Field::Platform,
        key: "platform",
        names: &["platform", "platformName"],
        kind: "text; the case of known platforms does not matter",
        answer: List,
        schema: None,
        when_absent: "The entry is dropped.",
    },
    Row {
        field: Field::Id,
        key: "id",
        names: &["profileId", "id"],
        kind: "text, or a whole number, read as its digits",
        answer: Both,
        schema: None,
        when_absent: "The username identifies the profile; without that, too, the entry is dropped.",
    },
    Row {
        field: Field::Username,
        key: "username",
        names: &["username"],
        kind: "text, or a whole number, read as its digits",
        answer: Both,
        schema: Some(Reference),
        when_absent: "There is no label `username`.",
    },
    Row {
        field: Field::Name,
        key: "name",
        names: &["name", "profileName", "displayName"],
        kind: "text",
        answer: List,
        schema: None,
        when_absent: "The label `name` is empty, and the field is counted as invalid.",
    },
    Row {
        field: Field::Status,
        key: "status",
        names: &["status"],
        kind: "`CONNECTED`, `TOKEN_EXPIRING`, `TOKEN_EXPIRED` or `DISCONNECTED`",
        answer: List,
        schema: Some(Uc017),
        when_absent: "The flag `disconnected` decides; without that, too, the status is `UNKNOWN`, and the field is counted as invalid.",
    },
    Row {
        field: Field::Disconnected,
        key: "disconnected",
        names: &["disconnected", "isDisconnected"],
        kind: "boolean, also as text or as 0 and 1",
        answer: List,
        schema: Some(Reference),
        when_absent: "The word in `status` alone decides.",
    },
    Row {
        field: Field::TokenExpiresAt,
        key: "token_expires_at",
        names: &["tokenExpiresAt"],
        kind: "date",
        answer: List,
        schema: Some(Uc017),
        when_absent: "There is no countdown. If other entries state an expiry, it is a warning for Facebook and Instagram.",
    },
    Row {
        field: Field::ConnectedAt,
        key: "connected_at",
        names: &[
            "connectedAt",
            "connectionDate",
            "connectedOn",
            "connectedDate",
        ],
        kind: "date",
        answer: List,
        schema: None,
        when_absent: "The metric is absent, and the field is counted as invalid.",
    },
    Row {
        field: Field::PhoneNumber,
        key: "phone_number",
        names: &["phoneNumber"],
        kind: "text",
        answer: List,
        schema: None,
        when_absent: "There is no label `phone_number`.",
    },
    Row {
        field: Field::LinkedAccounts,
        key: "linked_accounts",
        names: &[
            "linkedAccounts",
            "linkedPages",
            "subAccounts",
            "pages",
            "accounts",
            "linkedAccountsCount",
            "linkedAccountCount",
            "linkedPagesCount",
            "linkedPageCount",
            "subAccountsCount",
            "subAccountCount",
            "pagesCount",
            "pageCount",
            "accountsCount",
            "accountCount",
        ],
        kind: "whole number, or an array of objects or texts",
        answer: Both,
        schema: Some(Reference),
        when_absent: "The metrics of linked accounts are absent.",
    },
    Row {
        field: Field::PageId,
        key: "page_id",
        names: &["pageId"],
        kind: "text, or a whole number, read as its digits",
        answer: Details,
        schema: None,
        when_absent: "There is no label `page_id`.",
    },
    Row {
        field: Field::Category,
        key: "category",
        names: &["category"],
        kind: "text",
        answer: Details,
        schema: None,
        when_absent: "There is no label `category`.",
    },
    Row {
        field: Field::Permissions,
        key: "permissions",
        names: &["permissions"],
        kind: "array of texts",
        answer: Details,
        schema: None,
        when_absent: "The permissions are not known: nothing is said of missing ones.",
    },
    Row {
        field: Field::LastActivityAt,
        key: "last_activity_at",
        names: &["lastActivityAt"],
        kind: "date",
        answer: Details,
        schema: None,
        when_absent: "The metric is absent.",
    },
];

/// Names under which a linked page or sub-account identifies itself; its name is the last resort.
pub const LINKED_ACCOUNT_IDS: [&str; 7] = [
    "id",
    "pageId",
    "accountId",
    "profileId",
    "username",
    "name",
    "displayName",
];
/// Names under which the human name of a linked page or sub-account may come.
pub const LINKED_ACCOUNT_NAMES: [&str; 4] = ["name", "displayName", "pageName", "accountName"];

/// A name without what writers of JSON do differently: case, `_`, `-`.
pub fn folded(name: &str) -> String {
    let kept = name.chars().filter(|char| !matches!(char, '_' | '-'));
    kept.map(|char| char.to_ascii_lowercase()).collect()
}
