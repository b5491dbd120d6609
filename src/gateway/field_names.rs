//! From the names in an answer to the fields of the table: the built-in names, and those that
//! `gateway.fields` puts in their place.

use std::collections::{BTreeMap, HashMap};

use super::fields::{Field, TABLE, folded};

/// The place of a name of `gateway.fields`: behind every built-in name, none of which it competes with.
const CONFIGURED: usize = usize::MAX;

/// `gateway.fields`: for a field the name in the answer, or the path of names from the entry to it.
pub type FieldPaths = BTreeMap<Field, Vec<String>>;

/// Which names of an answer are read as which fields.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldNames {
    root: Names,
}

/// The built-in names alone.
impl Default for FieldNames {
    fn default() -> FieldNames {
        FieldNames::new(&FieldPaths::new())
    }
}

/// The names of one object.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Names {
    /// As they are written, by their length: a few names of the same length are compared faster than
    /// one is hashed, and every field of every entry is looked up.
    exact: Vec<Vec<(Box<str>, Node)>>,
    /// Built-in names without case, `_` and `-`, for answers that spell them differently.
    folded: HashMap<Box<str>, Node>,
}

/// What a name leads to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// The fields that are read from its value, each with the place of the name among the names of
    /// the field: a lower one wins.
    pub(super) fields: Vec<(Field, usize)>,
    /// The names in the object below it, where a path of `gateway.fields` leads there.
    pub(super) below: Option<Box<Names>>,
}

impl FieldNames {
    /// The built-in names, except for the fields in `paths`, which are read only there.
    pub fn new(paths: &FieldPaths) -> FieldNames {
        let mut root = Names::default();
        for row in TABLE.iter().filter(|row| !paths.contains_key(&row.field)) {
            for (place, name) in row.names.iter().enumerate() {
                root.folded
                    .entry(folded(name).into())
                    .or_default()
                    .fields
                    .push((row.field, place));
            }
        }
        for row in TABLE.iter().filter(|row| !paths.contains_key(&row.field)) {
            for name in row.names {
                root.exact_mut(name);
            }
        }
        for (field, path) in paths {
            root.add(path, *field);
        }
        FieldNames { root }
    }

    pub(super) fn root(&self) -> &Names {
        &self.root
    }

    /// The fields that are read at this path from the entry, each with the place of the name among
    /// the names of the field. For `explain`.
    pub fn fields_at(&self, path: &[&str]) -> &[(Field, usize)] {
        let Some((last, objects)) = path.split_last() else {
            return &[];
        };
        let names = objects.iter().try_fold(&self.root, |names, name| {
            names.node(name).and_then(|node| node.below.as_deref())
        });
        let node = names.and_then(|names| names.node(last));
        node.map_or(&[], |node| &node.fields)
    }
}

impl Names {
    /// What a name leads to, if it leads to anything.
    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        let alike = self.exact.get(name.len()).map_or(&[][..], Vec::as_slice);
        let exact = alike.iter().find(|(known, _)| **known == *name);
        match exact {
            Some((_, node)) => Some(node),
            None => self.folded.get(&*folded(name)),
        }
    }

    fn add(&mut self, path: &[String], field: Field) {
        let Some((name, rest)) = path.split_first() else {
            return;
        };
        let node = self.exact_mut(name);
        match rest {
            [] => node.fields.push((field, CONFIGURED)),
            rest => node.below.get_or_insert_default().add(rest, field),
        }
    }

    /// The node of a name as it is written. A built-in name that is spelled differently keeps its
    /// fields.
    fn exact_mut(&mut self, name: &str) -> &mut Node {
        if self.exact.len() <= name.len() {
            self.exact.resize_with(name.len() + 1, Vec::new);
        }
        let alike = &mut self.exact[name.len()];
        let place = alike.iter().position(|(known, _)| **known == *name);
        let place = place.unwrap_or_else(|| {
            let built_in = self.folded.get(&*folded(name)).cloned();
            alike.push((name.into(), built_in.unwrap_or_default()));
            alike.len() - 1
        });
        &mut alike[place].1
    }
}
