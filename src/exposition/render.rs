//! Renders a snapshot to the sample lines that stay the same until the next refresh.

use super::account_view::{Block, Countdown, SnapshotText};
use super::families::{COUNTDOWN, FAMILIES, Source};
use super::text::{Lines, label};
use crate::snapshot::{Profile, Snapshot};
use exporter_toolkit::shared_text::SharedTexts;

/// A profile and the labels that all its samples start with.
type LabelledProfile<'a> = (&'a Profile, String);

impl SnapshotText {
    /// Renders all lines of `snapshot`. `account` is the account's name, `None` for the default account. Large
    /// texts are added to `texts`.
    pub fn render(snapshot: &Snapshot, account: Option<&str>, texts: &SharedTexts) -> SnapshotText {
        let account_labels = account_labels(account);
        let profiles: Vec<LabelledProfile> = snapshot
            .profiles
            .iter()
            .map(|profile| (profile, profile_labels(&account_labels, profile)))
            .collect();
        // One buffer for all families, so that no block keeps spare capacity.
        let mut out = Vec::new();
        let blocks = FAMILIES.iter().map(|family| {
            out.clear();
            match family.source {
                Source::Snapshot(write) => {
                    let mut lines = Lines::new(family.name, &account_labels, &mut out);
                    write(snapshot, &mut lines);
                }
                Source::Profile(write) => {
                    for (profile, labels) in &profiles {
                        write(profile, &mut Lines::new(family.name, labels, &mut out));
                    }
                }
                Source::Account(_) | Source::Countdown => {}
            }
            Block::new(&out, texts)
        });
        SnapshotText {
            blocks: blocks.collect(),
            countdown: countdown(&profiles),
        }
    }
}

/// The labels that every sample of an account starts with.
pub(super) fn account_labels(account: Option<&str>) -> String {
    let mut labels = Vec::new();
    if let Some(account) = account {
        label(&mut labels, "account", account);
    }
    into_text(labels)
}

fn profile_labels(account_labels: &str, profile: &Profile) -> String {
    let mut labels = account_labels.as_bytes().to_vec();
    label(&mut labels, "platform", &profile.platform);
    label(&mut labels, "profile", &profile.id);
    into_text(labels)
}

fn into_text(labels: Vec<u8>) -> String {
    // Never fails: labels are joined from strings and ASCII.
    String::from_utf8(labels).unwrap_or_default()
}

fn countdown(profiles: &[LabelledProfile]) -> Countdown {
    let mut countdown = Countdown::default();
    for (profile, labels) in profiles {
        if let Some(expires_at) = profile.token_expires_at {
            let labels = labels.trim_end_matches(',');
            countdown.add(&[COUNTDOWN, "{", labels, "} "], expires_at.timestamp());
        }
    }
    countdown
}
