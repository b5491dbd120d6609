//! The worst finding as a state of the plugin convention of Nagios and Icinga.

use crate::verdict::Severity;

/// A state of the plugin convention, ordered from good to bad. Critical outweighs unknown: a profile that
/// is known to fail matters more than one that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckState {
    /// Nothing to do.
    Ok,
    /// Something needs attention before it gets worse.
    Warning,
    /// The state could not be determined.
    Unknown,
    /// Messages fail, or will fail very soon.
    Critical,
}

impl CheckState {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            CheckState::Ok => 0,
            CheckState::Warning => 1,
            CheckState::Critical => 2,
            CheckState::Unknown => 3,
        }
    }

    /// The name in the convention.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckState::Ok => "OK",
            CheckState::Warning => "WARNING",
            CheckState::Critical => "CRITICAL",
            CheckState::Unknown => "UNKNOWN",
        }
    }

    /// The verdict with this state.
    pub(crate) fn verdict(self) -> Severity {
        match self {
            CheckState::Ok => Severity::Fine,
            CheckState::Warning => Severity::Warning,
            CheckState::Unknown => Severity::NotChecked,
            CheckState::Critical => Severity::Critical,
        }
    }
}

impl From<Severity> for CheckState {
    fn from(severity: Severity) -> CheckState {
        match severity {
            Severity::Fine => CheckState::Ok,
            Severity::NotChecked => CheckState::Unknown,
            Severity::Warning => CheckState::Warning,
            Severity::Critical => CheckState::Critical,
        }
    }
}
