//! The accounts of a configuration file that expects the profiles that are connected now.

use std::io::{self, Write};

use super::audit::{AccountAudit, Audit};
use crate::config::CredentialSource;
use crate::record::Report;
use exporter_toolkit::printable::{escaped_yaml, neutral};

/// The name of the default account, which needs one in a configuration file.
const DEFAULT_ACCOUNT: &str = "default";

pub(super) fn write(audit: &Audit, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "accounts:")?;
    for account in &audit.accounts {
        write_credentials(account, out)?;
        write_expected(account, report, out)?;
    }
    Ok(())
}

fn write_credentials(account: &AccountAudit, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "  - name: {}",
        quoted(account.name.as_deref().unwrap_or(DEFAULT_ACCOUNT))?
    )?;
    match &account.source {
        CredentialSource::ApiKeyFile(path) => {
            writeln!(
                out,
                "    api_key_file: {}",
                quoted(&path.to_string_lossy())?
            )
        }
        CredentialSource::ApiKeyEnv(name) => writeln!(out, "    api_key_env: {}", quoted(name)?),
        CredentialSource::BasicAuth {
            username,
            password_file,
        } => {
            let file = quoted(&password_file.to_string_lossy())?;
            let username = quoted(username)?;
            writeln!(
                out,
                "    basic_auth: {{username: {username}, password_file: {file}}}"
            )
        }
    }
}

fn write_expected(account: &AccountAudit, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let name = account.name.as_deref();
    let rows = report.rows.iter();
    let mut connected: Vec<_> = rows
        .filter(|row| row.account == name)
        .filter_map(|row| {
            Some((
                row.judged.platform,
                row.judged.id,
                &row.judged.profile?.name,
            ))
        })
        .collect();
    // A stable order keeps diffs of the file small.
    connected.sort_unstable();
    if account.snapshot.is_none() {
        return writeln!(out, "    # The profiles of this account could not be read.");
    }
    if connected.is_empty() {
        return writeln!(out, "    expected: []");
    }
    writeln!(out, "    expected:")?;
    for (platform, id, name) in connected {
        let (platform, id) = (quoted(platform)?, quoted(id)?);
        writeln!(
            out,
            "      - {{platform: {platform}, profile: {id}}} # {}",
            neutral(name)
        )?;
    }
    Ok(())
}

/// A quoted YAML string. JSON strings are valid YAML.
fn quoted(text: &str) -> io::Result<String> {
    let json = serde_json::to_string(text)?;
    Ok(escaped_yaml(&json).into_owned())
}
