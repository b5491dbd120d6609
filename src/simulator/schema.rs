//! The descriptions of the API that the simulated gateway can follow.

use std::fmt::Debug;

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::calendar::{Calendar, Day};
use super::life::{Life, Snapshot};
use super::reference::Reference;
use super::uc017::Uc017;

/// The description of the API that the answers follow.
///
/// | schema | the answers are |
/// | --- | --- |
/// | `uc-017` | the documented ones of UC-017, field by field |
/// | `reference` | what the API's reference page says in prose; the real ones may differ |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Schema {
    #[default]
    #[value(name = "uc-017")]
    Uc017,
    Reference,
}

pub(super) type Object = Map<String, Value>;

/// A connected profile.
#[derive(Debug)]
pub(super) struct Profile {
    /// The fields that never change, those of list and details together.
    pub fields: Object,
    pub life: Life,
    /// The documented fields of the documented day.
    pub documented: Option<Object>,
}

/// The words of one schema.
pub(super) trait Description: Debug + Sync {
    /// The three profiles that come first.
    fn brandco(&self, seed: u64) -> Vec<Profile>;

    /// Any other profile; every number gives another one.
    fn invented(&self, number: usize, seed: u64) -> Profile;

    /// The fields that change with time.
    fn fields_at(&self, today: Day, snapshot: Snapshot, calendar: &Calendar) -> Object;

    /// The fields that the list shows.
    fn list_entry(&self, fields: Object) -> Object;

    /// The fields that the details show.
    fn details_entry(&self, fields: Object) -> Object;
}

impl Schema {
    pub(super) fn description(self) -> &'static dyn Description {
        match self {
            Schema::Uc017 => &Uc017,
            Schema::Reference => &Reference,
        }
    }
}

pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
