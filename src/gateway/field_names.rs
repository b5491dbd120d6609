//! Maps names in responses to fields: the built-in names, or the names that `gateway.fields` configures instead.

use std::collections::{BTreeMap, HashMap};

use super::fields::{Field, TABLE, folded};

/// The rank of a configured name. It does not matter, because a configured field has no other name.
const CONFIGURED_RANK: usize = usize::MAX;

/// The setting `gateway.fields`: for each field its name in the response, or the path of names from the entry to it.
pub type FieldPaths = BTreeMap<Field, Vec<String>>;

/// Maps the names in an entry to fields.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldNames {
    root: ObjectNames,
}

/// Only the built-in names.
impl Default for FieldNames {
    fn default() -> FieldNames {
        FieldNames::new(&FieldPaths::new())
    }
}

/// The names of one object.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ObjectNames {
    /// Names in their exact spelling, indexed by length. Every field of every entry is looked up, and comparing a few
    /// names of the same length is faster than hashing.
    exact: Vec<Vec<(Box<str>, Node)>>,
    /// Built-in names without case, `_` and `-`, for responses that spell them differently.
    folded: HashMap<Box<str>, Node>,
}

/// The meaning of a name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// The fields that are read from the value, each with the rank of the name among the names of the field; the
    /// lowest rank wins.
    pub(super) fields: Vec<(Field, usize)>,
    /// The names in the object below, if a path of `gateway.fields` leads there.
    pub(super) children: Option<Box<ObjectNames>>,
}

impl FieldNames {
    /// Uses the configured paths for the fields in `paths`, and the built-in names for all others.
    pub fn new(paths: &FieldPaths) -> FieldNames {
        let mut root = ObjectNames::default();
        for row in TABLE.iter().filter(|row| !paths.contains_key(&row.field)) {
            for (rank, name) in row.names.iter().enumerate() {
                root.folded
                    .entry(folded(name).into())
                    .or_default()
                    .fields
                    .push((row.field, rank));
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

    pub(super) fn root(&self) -> &ObjectNames {
        &self.root
    }

    /// The fields that are read at this path below the entry, each with the rank of the name among the names of the
    /// field. For `explain`.
    pub fn fields_at(&self, path: &[&str]) -> &[(Field, usize)] {
        let Some((last, objects)) = path.split_last() else {
            return &[];
        };
        let names = objects.iter().try_fold(&self.root, |names, name| {
            names.node(name).and_then(|node| node.children.as_deref())
        });
        let node = names.and_then(|names| names.node(last));
        node.map_or(&[], |node| &node.fields)
    }
}

impl ObjectNames {
    /// The meaning of a name; `None` if it is not read.
    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        let same_length = self.exact.get(name.len()).map_or(&[][..], Vec::as_slice);
        let exact = same_length.iter().find(|(known, _)| **known == *name);
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
            [] => node.fields.push((field, CONFIGURED_RANK)),
            rest => node.children.get_or_insert_default().add(rest, field),
        }
    }

    /// The node of a name in its exact spelling. If it is another spelling of a built-in name, it keeps the fields of
    /// that name.
    fn exact_mut(&mut self, name: &str) -> &mut Node {
        if self.exact.len() <= name.len() {
            self.exact.resize_with(name.len() + 1, Vec::new);
        }
        let same_length = &mut self.exact[name.len()];
        let index = same_length.iter().position(|(known, _)| **known == *name);
        let index = index.unwrap_or_else(|| {
            let built_in = self.folded.get(&*folded(name)).cloned();
            same_length.push((name.into(), built_in.unwrap_or_default()));
            same_length.len() - 1
        });
        &mut same_length[index].1
    }
}
