//! The descriptions of the API that the simulated gateway can follow.

use clap::ValueEnum;

use super::profile::Description;
use super::reference::Reference;
use super::uc017::Uc017;

/// The description of the API that the answers follow.
///
/// | schema | the answers are |
/// | --- | --- |
/// | `uc-017` | as documented in UC-017, field by field |
/// | `reference` | as the API's reference page describes in prose; real answers may differ |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Schema {
    #[default]
    #[value(name = "uc-017")]
    Uc017,
    Reference,
}

impl Schema {
    pub(super) fn description(self) -> &'static dyn Description {
        match self {
            Schema::Uc017 => &Uc017,
            Schema::Reference => &Reference,
        }
    }
}
