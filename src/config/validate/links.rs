//! Validates `links`.

use reqwest::Url;
use serde_saphyr::Spanned;

use crate::config::file::{AccountBlock, File, in_file};
use crate::config::links::{self, Links};
use exporter_toolkit::diagnostics::Diagnostics;
use exporter_toolkit::redacted::Redacted;

/// The links of all accounts.
pub(super) fn shared(file: &File, diagnostics: &mut Diagnostics) -> Links {
    let block = &file.links;
    let mut link = |at, key| link(file, at, key, diagnostics);
    Links {
        dashboard: link(&block.dashboard, "links.dashboard"),
        grafana: link(&block.grafana, "links.grafana"),
        runbooks: link(&block.runbooks, "links.runbooks"),
    }
}

/// The links of an account, whose own dashboard wins.
pub(super) fn of_account(
    file: &File,
    key: &str,
    account: &AccountBlock,
    shared: &Links,
    diagnostics: &mut Diagnostics,
) -> Links {
    let key = format!("{key}.links.dashboard");
    let own = link(file, &account.links.dashboard, &key, diagnostics);
    Links {
        dashboard: own.or_else(|| shared.dashboard.clone()),
        ..shared.clone()
    }
}

fn link(
    file: &File,
    at: &Option<Spanned<Redacted>>,
    key: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Url> {
    let at = at.as_ref()?;
    let Redacted(text) = &at.value;
    let url = links::parse(text).map_err(|message| in_file(file, at, key, message));
    diagnostics.collect(url)
}
