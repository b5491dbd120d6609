//! Numbers of profiles by severity.

use crate::plural::count;
use crate::record::CheckState;
use crate::verdict::Severity;

/// Numbers of profiles by severity.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) critical: usize,
    pub(super) warning: usize,
    pub(super) not_checked: usize,
    pub(super) fine: usize,
}

impl Counts {
    pub(super) fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Critical => self.critical += 1,
            Severity::Warning => self.warning += 1,
            Severity::NotChecked => self.not_checked += 1,
            Severity::Fine => self.fine += 1,
        }
    }

    pub(super) fn add_all(&mut self, other: Counts) {
        self.critical += other.critical;
        self.warning += other.warning;
        self.not_checked += other.not_checked;
        self.fine += other.fine;
    }

    /// The state of the worst profile, in the order of `check`; OK without profiles.
    pub(super) fn state(&self) -> CheckState {
        let present = Severity::ALL
            .into_iter()
            .filter(|severity| self.get(*severity) > 0);
        present
            .map(CheckState::from)
            .max()
            .unwrap_or(CheckState::Ok)
    }

    pub(super) fn total(&self) -> usize {
        self.critical + self.warning + self.not_checked + self.fine
    }

    pub(super) fn get(&self, severity: Severity) -> usize {
        match severity {
            Severity::Critical => self.critical,
            Severity::Warning => self.warning,
            Severity::NotChecked => self.not_checked,
            Severity::Fine => self.fine,
        }
    }

    /// `24 profiles · 3 critical · 21 fine`
    pub(super) fn summary(&self) -> String {
        let mut text = count(self.total(), "profile");
        for severity in Severity::ALL {
            let number = self.get(severity);
            if number > 0 {
                text.push_str(&format!(" · {number} {}", severity.words()));
            }
        }
        text
    }
}
