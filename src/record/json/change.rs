//! A change of a profile as JSON.

use chrono::{DateTime, TimeZone};
use serde::Serialize;

use crate::account::history::{Change, ChangeKind};
use crate::record::rfc3339;

#[derive(Serialize)]
pub(super) struct ChangeOut<'a> {
    at: String,
    platform: &'a str,
    profile: &'a str,
    name: &'a str,
    kind: &'static str,
    from: Option<String>,
    to: Option<String>,
    permission: Option<&'a str>,
}

impl<'a> ChangeOut<'a> {
    pub(super) fn new(change: &'a Change) -> ChangeOut<'a> {
        let mut out = ChangeOut {
            at: rfc3339(change.at),
            platform: &change.platform,
            profile: &change.id,
            name: &change.name,
            kind: kind(&change.kind),
            from: None,
            to: None,
            permission: None,
        };
        match &change.kind {
            ChangeKind::Appeared | ChangeKind::Disappeared => {}
            ChangeKind::State { from, to } => {
                out.from = Some(from.as_str().to_owned());
                out.to = Some(to.as_str().to_owned());
            }
            ChangeKind::TokenEnd { from, to } => {
                out.from = from.map(in_utc);
                out.to = Some(in_utc(*to));
            }
            ChangeKind::PermissionGranted(permission) | ChangeKind::PermissionLost(permission) => {
                out.permission = Some(permission);
            }
        }
        out
    }
}

fn kind(kind: &ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Appeared => "appeared",
        ChangeKind::Disappeared => "disappeared",
        ChangeKind::State { .. } => "state",
        ChangeKind::TokenEnd { .. } => "token_end",
        ChangeKind::PermissionGranted(_) => "permission_granted",
        ChangeKind::PermissionLost(_) => "permission_lost",
    }
}

fn in_utc(time: DateTime<impl TimeZone>) -> String {
    rfc3339(time.to_utc())
}
