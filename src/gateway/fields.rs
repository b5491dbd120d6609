//! The table of fields that are read from the entries of a response: their names, types, and what happens when they are
//! absent.
//!
//! Two descriptions of the same endpoints exist. The page "UC-017 — Connect Social Profiles" has names; the reference
//! page "List connected social profiles" describes the fields in prose, except `disconnected`. `docs/gateway.md` shows
//! this table to operators.

use FieldSource::{Both, Details, List};
use Schema::{Reference, Uc017};

/// A field of a response. Its first documented name is the label `field` of `qlara_gateway_invalid_fields_total`.
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
    /// The connection state, as one of four values.
    Status,
    /// The connection state, as a flag.
    Disconnected,
    /// When the OAuth token expires.
    TokenExpiresAt,
    /// When the profile was connected.
    ConnectedAt,
    /// The phone number of a WhatsApp profile, which is personal data.
    PhoneNumber,
    /// Linked pages or sub-accounts: their number, or a list.
    LinkedAccounts,
    /// The identifier of the Facebook page.
    PageId,
    /// The category, for example `E-commerce`.
    Category,
    /// The granted OAuth scopes.
    Permissions,
    /// The time of the last activity.
    LastActivityAt,
    /// The number of profiles in the whole list. Last, because it is not in an entry, and the fields of an entry are
    /// indexed by their position.
    Total,
}

/// Number of fields of an entry.
pub const ENTRY_FIELDS: usize = TABLE.len();

impl Field {
    /// The fields that are counted when they are invalid, so that each counter exists from the start. An entry without a
    /// usable platform or identity is dropped instead.
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

    /// Whether the value is a date.
    pub fn is_date(self) -> bool {
        matches!(
            self,
            Field::TokenExpiresAt | Field::ConnectedAt | Field::LastActivityAt
        )
    }

    /// The first name, which is the label value.
    pub fn as_str(self) -> &'static str {
        self.row().map_or("total", |row| row.names[0])
    }

    /// The row of the table; `None` for `total`, which is not in an entry.
    pub fn row(self) -> Option<&'static FieldRow> {
        TABLE.iter().find(|row| row.field == self)
    }
}

/// The API description that a response follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Schema {
    /// The page "UC-017 — Connect Social Profiles".
    Uc017,
    /// The reference page "List connected social profiles".
    Reference,
    /// A response with fields of both descriptions.
    Mixed,
}

impl Schema {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Schema::Uc017 => "uc-017",
            Schema::Reference => "reference",
            Schema::Mixed => "mixed",
        }
    }

    /// Combines the descriptions of two parts of a response.
    pub fn merge(self, other: Schema) -> Schema {
        match self == other {
            true => self,
            false => Schema::Mixed,
        }
    }
}

/// The endpoints whose responses have a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldSource {
    /// `GET /socials`.
    List,
    /// `GET /socials/{platform}`.
    Details,
    /// Both endpoints.
    Both,
}

impl FieldSource {
    /// The endpoints in words.
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
pub struct FieldRow {
    /// The field.
    pub field: Field,
    /// The key in `gateway.fields`.
    pub key: &'static str,
    /// The names of the field. The first name that is present and not `null` counts. Case, `_` and `-` do not matter.
    pub names: &'static [&'static str],
    /// The JSON type, in words.
    pub kind: &'static str,
    /// The endpoints whose responses have the field.
    pub source: FieldSource,
    /// The only API description with this field, if it tells the two apart.
    pub schema: Option<Schema>,
    /// What happens when the field is absent or `null`.
    pub when_absent: &'static str,
}

/// All fields of an entry.
pub const TABLE: [FieldRow; 14] = [
    FieldRow {
        field: Field::Platform,
        key: "platform",
        names: &["platform", "platformName"],
        kind: "text; the case of known platforms does not matter",
        source: List,
        schema: None,
        when_absent: "The entry is dropped.",
    },
    FieldRow {
        field: Field::Id,
        key: "id",
        names: &["profileId", "id"],
        kind: "text, or a whole number, read as its digits",
        source: Both,
        schema: None,
        when_absent: "The username identifies the profile; without that, too, the entry is dropped.",
    },
    FieldRow {
        field: Field::Username,
        key: "username",
        names: &["username"],
        kind: "text, or a whole number, read as its digits",
        source: Both,
        schema: Some(Reference),
        when_absent: "There is no label `username`.",
    },
    FieldRow {
        field: Field::Name,
        key: "name",
        names: &["name", "profileName", "displayName"],
        kind: "text",
        source: List,
        schema: None,
        when_absent: "The label `name` is empty, and the field is counted as invalid.",
    },
    FieldRow {
        field: Field::Status,
        key: "status",
        names: &["status"],
        kind: "`CONNECTED`, `TOKEN_EXPIRING`, `TOKEN_EXPIRED` or `DISCONNECTED`",
        source: List,
        schema: Some(Uc017),
        when_absent: "The flag `disconnected` decides; without that, too, the status is `UNKNOWN`, and the field is counted as invalid.",
    },
    FieldRow {
        field: Field::Disconnected,
        key: "disconnected",
        names: &["disconnected", "isDisconnected"],
        kind: "boolean, also as text or as 0 and 1",
        source: List,
        schema: Some(Reference),
        when_absent: "The word in `status` alone decides.",
    },
    FieldRow {
        field: Field::TokenExpiresAt,
        key: "token_expires_at",
        names: &["tokenExpiresAt"],
        kind: "date",
        source: List,
        schema: Some(Uc017),
        when_absent: "There is no countdown. If other entries state an expiry, it is a warning for Facebook and Instagram.",
    },
    FieldRow {
        field: Field::ConnectedAt,
        key: "connected_at",
        names: &[
            "connectedAt",
            "connectionDate",
            "connectedOn",
            "connectedDate",
        ],
        kind: "date",
        source: List,
        schema: None,
        when_absent: "The metric is absent, and the field is counted as invalid.",
    },
    FieldRow {
        field: Field::PhoneNumber,
        key: "phone_number",
        names: &["phoneNumber"],
        kind: "text",
        source: List,
        schema: None,
        when_absent: "There is no label `phone_number`.",
    },
    FieldRow {
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
        source: Both,
        schema: Some(Reference),
        when_absent: "The metrics of linked accounts are absent.",
    },
    FieldRow {
        field: Field::PageId,
        key: "page_id",
        names: &["pageId"],
        kind: "text, or a whole number, read as its digits",
        source: Details,
        schema: None,
        when_absent: "There is no label `page_id`.",
    },
    FieldRow {
        field: Field::Category,
        key: "category",
        names: &["category"],
        kind: "text",
        source: Details,
        schema: None,
        when_absent: "There is no label `category`.",
    },
    FieldRow {
        field: Field::Permissions,
        key: "permissions",
        names: &["permissions"],
        kind: "array of texts",
        source: Details,
        schema: None,
        when_absent: "The permissions are not known: nothing is said of missing ones.",
    },
    FieldRow {
        field: Field::LastActivityAt,
        key: "last_activity_at",
        names: &["lastActivityAt"],
        kind: "date",
        source: Details,
        schema: None,
        when_absent: "The metric is absent.",
    },
];

/// Names of the identifier of a linked page or sub-account. Its human name is the last resort.
pub const LINKED_ACCOUNT_IDS: [&str; 7] = [
    "id",
    "pageId",
    "accountId",
    "profileId",
    "username",
    "name",
    "displayName",
];
/// Names of the human name of a linked page or sub-account.
pub const LINKED_ACCOUNT_NAMES: [&str; 4] = ["name", "displayName", "pageName", "accountName"];

/// Folds the differences between naming conventions: removes `_` and `-`, and converts to lower case.
pub fn folded(name: &str) -> String {
    let kept = name.chars().filter(|char| !matches!(char, '_' | '-'));
    kept.map(|char| char.to_ascii_lowercase()).collect()
}
