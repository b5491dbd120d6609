//! The present profiles as accounts of a configuration file that expects them.

use std::io::{self, Write};

use super::report::Report;
use super::{Audit, Read};
use crate::config::Origin;
use crate::printable::{escaped_yaml, neutral};

/// An account needs a name to stand in a file.
const NAMELESS: &str = "default";

pub(super) fn write(audit: &Audit, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "accounts:")?;
    for read in &audit.accounts {
        account(read, out)?;
        expected(read, report, out)?;
    }
    Ok(())
}

fn account(read: &Read, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "  - name: {}",
        text(read.name.as_deref().unwrap_or(NAMELESS))?
    )?;
    match &read.origin {
        Origin::ApiKeyFile(path) => {
            writeln!(out, "    api_key_file: {}", text(&path.to_string_lossy())?)
        }
        Origin::ApiKeyEnv(name) => writeln!(out, "    api_key_env: {}", text(name)?),
        Origin::BasicAuth {
            username,
            password_file,
        } => {
            let file = text(&password_file.to_string_lossy())?;
            let username = text(username)?;
            writeln!(
                out,
                "    basic_auth: {{username: {username}, password_file: {file}}}"
            )
        }
    }
}

fn expected(read: &Read, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let of_the_account = report
        .rows
        .iter()
        .filter(|row| row.account == read.name.as_deref());
    let mut present: Vec<_> = of_the_account
        .filter_map(|row| {
            Some((
                row.judged.platform,
                row.judged.id,
                &row.judged.profile?.name,
            ))
        })
        .collect();
    // Always the same for the same profiles, so that versions can be compared.
    present.sort_unstable();
    if read.snapshot.is_none() {
        return writeln!(out, "    # The profiles of this account could not be read.");
    }
    if present.is_empty() {
        return writeln!(out, "    expected: []");
    }
    writeln!(out, "    expected:")?;
    for (platform, id, name) in present {
        let (platform, id) = (text(platform)?, text(id)?);
        writeln!(
            out,
            "      - {{platform: {platform}, profile: {id}}} # {}",
            neutral(name)
        )?;
    }
    Ok(())
}

/// A JSON text is a YAML text, too.
fn text(text: &str) -> io::Result<String> {
    let json = serde_json::to_string(text)?;
    Ok(escaped_yaml(&json).into_owned())
}
