//! The sample lines of all accounts in one second, which the responses in all formats share.

use chrono::{DateTime, Utc};

use super::account_view::{AccountView, Block};
use super::chunk::{Chunk, ChunkWriter};
use super::families::{FAMILIES, Family, Source};
use super::render::account_labels;
use super::text::Lines;
use exporter_toolkit::shared_text::{SharedText, SharedTexts};

/// The sample lines of all accounts in one second.
#[derive(Debug)]
pub(super) struct Samples {
    /// The chunks of each entry of `FAMILIES`; none if no account has a sample.
    families: Vec<Vec<Chunk>>,
    /// Keeps the texts that belong to these samples alone current.
    _owned: Vec<SharedText>,
}

/// An account and the labels that all its samples start with.
type LabelledView<'a> = (&'a AccountView, String);

impl Samples {
    /// Joins the lines of all accounts, and renders those that show `now`.
    pub(super) fn render(
        accounts: &[&AccountView],
        now: DateTime<Utc>,
        texts: &SharedTexts,
    ) -> Samples {
        let accounts: Vec<LabelledView> = accounts
            .iter()
            .map(|view| (*view, account_labels(view.account.as_deref())))
            .collect();
        let mut owned = Vec::new();
        let families = FAMILIES.iter().enumerate().map(|(index, family)| {
            let mut writer = ChunkWriter::new(texts);
            for account in &accounts {
                write(family, index, account, now, &mut writer);
            }
            let (chunks, texts) = writer.finish();
            owned.extend(texts);
            chunks
        });
        Samples {
            families: families.collect(),
            _owned: owned,
        }
    }

    /// The families that have samples, with their chunks.
    pub(super) fn families(&self) -> impl Iterator<Item = (&'static Family, &[Chunk])> {
        let families = FAMILIES.iter().zip(&self.families);
        let families = families.map(|(family, chunks)| (family, chunks.as_slice()));
        families.filter(|(_, chunks)| !chunks.is_empty())
    }
}

/// Writes the samples of the family at this index of `FAMILIES` for one account.
fn write(
    family: &Family,
    index: usize,
    (view, labels): &LabelledView,
    now: DateTime<Utc>,
    writer: &mut ChunkWriter,
) {
    match (&family.source, &view.snapshot) {
        (Source::Account(value), _) => {
            if let Some(value) = value(view) {
                Lines::new(family.name, labels, &mut writer.tail).sample(&[], value);
            }
        }
        (Source::Countdown, Some(text)) => text.countdown.write(now, &mut writer.tail),
        (Source::Snapshot(_) | Source::Profile(_), Some(text)) => match text.block(index) {
            Block::Small(text) => writer.tail.extend_from_slice(text),
            Block::Large { chunk, .. } => writer.push(chunk),
        },
        (_, None) => {}
    }
}
