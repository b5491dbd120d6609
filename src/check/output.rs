//! Writing an audit in one of its formats.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;

use super::audit::{AccountAudit, Audit};
use super::table::TableStyle;
use super::{expected, html, junit, nagios, table};
use crate::exposition::{AccountView, Representation, ResponseCache, SnapshotText};
use crate::record::{CheckState, csv, json};
use crate::zone::Zone;
use exporter_toolkit::shared_text::SharedTexts;

/// The output formats of `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckFormat {
    /// A table for people.
    Table(TableStyle),
    /// JSON for programs.
    Json,
    /// CSV for spreadsheets.
    Csv {
        /// Whether to start with a byte order mark.
        bom: bool,
    },
    /// One HTML file for people, without scripts, that loads nothing.
    Html {
        /// The time zone of its times.
        zone: Zone,
    },
    /// JUnit XML for the reports of CI systems.
    Junit,
    /// Metrics for a textfile collector.
    Metrics,
    /// The output of a plugin for Nagios and Icinga.
    Nagios {
        /// Whether to list every finding on a line of its own.
        verbose: bool,
    },
    /// A configuration file that expects the connected profiles.
    Expected,
}

impl Audit {
    /// Writes the audit and returns its state.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn write(&self, format: CheckFormat, out: &mut dyn Write) -> io::Result<CheckState> {
        let report = self.report();
        match format {
            CheckFormat::Table(style) => table::write(self, &report, style, out),
            CheckFormat::Json => json::write_profiles(&report, out),
            CheckFormat::Csv { bom } => csv::write_profiles(&report, bom, out),
            CheckFormat::Html { zone } => html::write(self, &report, zone, out),
            CheckFormat::Junit => junit::write(self, &report, out),
            CheckFormat::Metrics => self.write_metrics(out),
            CheckFormat::Nagios { verbose } => nagios::write(self, &report, verbose, out),
            CheckFormat::Expected => expected::write(self, &report, out),
        }?;
        Ok(report.state())
    }

    /// Writes the metrics of the accounts as `/metrics` serves them, without the exporter's own metrics.
    fn write_metrics(&self, out: &mut dyn Write) -> io::Result<()> {
        let texts = SharedTexts::default();
        let views = self.accounts.iter().map(|account| view(account, &texts));
        let views: Vec<AccountView> = views.collect();
        let views: Vec<&AccountView> = views.iter().collect();
        let no_exporter_metrics = || Ok::<_, Infallible>(Bytes::new());
        let Ok(body) = ResponseCache::default().expose(
            &views,
            self.checked_at,
            no_exporter_metrics,
            Representation::PLAIN_TEXT,
            &texts,
        );
        let mut chunks = body.chunks().iter();
        chunks.try_for_each(|chunk| out.write_all(chunk))
    }
}

fn view(account: &AccountAudit, texts: &SharedTexts) -> AccountView {
    let name = account.name.as_deref();
    let snapshot = account.snapshot.as_ref();
    AccountView {
        account: account.name.clone(),
        revision: 1,
        up: Some(snapshot.is_some()),
        read_at: snapshot.map(|snapshot| snapshot.read_at),
        refresh_took: Some(account.took),
        snapshot: snapshot.map(|snapshot| Arc::new(SnapshotText::render(snapshot, name, texts))),
    }
}
