//! Validates `gateway.fields`, the paths of fields in an entry of a response.

use std::sync::Arc;

use serde_saphyr::Spanned;

use crate::config::file::{Fields, File, in_file};
use crate::gateway::field_names::{FieldNames, FieldPaths};
use crate::gateway::fields::Field;
use exporter_toolkit::diagnostics::Diagnostics;

/// Maximum length of a name in a path, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// The field names with the paths of `fields`. `key` is the key of the block, for errors.
pub(super) fn field_names(
    file: &File,
    key: &str,
    fields: &Fields,
    diagnostics: &mut Diagnostics,
) -> Arc<FieldNames> {
    let mut paths = FieldPaths::new();
    for (field, at) in configured(fields) {
        let path: Vec<String> = at.value.split('.').map(str::to_owned).collect();
        let is_name = |name: &String| !name.trim().is_empty() && name.len() <= MAX_NAME_BYTES;
        if path.iter().all(is_name) {
            paths.insert(field, path);
        } else {
            let name = field.row().map_or("total", |row| row.key);
            let message = "expected the name of a field in the answer, or names joined by dots, such as profile.name";
            let error = in_file(file, at, &format!("{key}.{name}"), message);
            diagnostics.collect::<()>(Err(error));
        }
    }
    Arc::new(FieldNames::new(&paths))
}

/// The fields that have a path.
fn configured(fields: &Fields) -> impl Iterator<Item = (Field, &Spanned<String>)> {
    let all = [
        (Field::Platform, &fields.platform),
        (Field::Id, &fields.id),
        (Field::Username, &fields.username),
        (Field::Name, &fields.name),
        (Field::Status, &fields.status),
        (Field::Disconnected, &fields.disconnected),
        (Field::TokenExpiresAt, &fields.token_expires_at),
        (Field::ConnectedAt, &fields.connected_at),
        (Field::PhoneNumber, &fields.phone_number),
        (Field::LinkedAccounts, &fields.linked_accounts),
        (Field::PageId, &fields.page_id),
        (Field::Category, &fields.category),
        (Field::Permissions, &fields.permissions),
        (Field::LastActivityAt, &fields.last_activity_at),
    ];
    all.into_iter()
        .filter_map(|(field, at)| Some((field, at.as_ref()?)))
}
