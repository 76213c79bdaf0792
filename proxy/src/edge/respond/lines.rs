//! The field lines of an answer of ours while it is made: borrowed, in the order in which they are
//! written.
//!
//! Edits change them as they would change an [`http::HeaderMap`], which the tests hold: what is set
//! takes the place of the first line of its name, what is appended stands behind the last one.

use filters::edits::Edit;
use filters::head::Fields;
use http::HeaderName;
use smallvec::SmallVec;

/// Lines that lie within a list; a refusal with its limits and security fields has some 17.
const LINES_COMMON: usize = 24;

/// Field lines in their order. Names are in lower case, as [`HeaderName`] has them.
#[derive(Default)]
pub(super) struct Lines<'a> {
    list: SmallVec<[Line<'a>; LINES_COMMON]>,
    /// Marks of all names that were ever in the list: most names are new, and that is seen at a glance.
    marks: u64,
}

#[derive(Clone, Copy)]
struct Line<'a> {
    name: &'a str,
    value: &'a [u8],
}

// === impl Lines ===

impl<'a> Lines<'a> {
    /// Applies an edit.
    pub(super) fn edit(&mut self, edit: &'a Edit) {
        match edit {
            Edit::Remove(name) => {
                let name = name.as_str();
                if self.may_have(name) {
                    self.list.retain(|line| line.name != name);
                }
            }
            Edit::RemovePrefix(prefix) => self.list.retain(|line| !line.name.starts_with(prefix)),
            Edit::RemoveUnderscored => self.list.retain(|line| !line.name.contains('_')),
            Edit::Set(name, value) => self.set(name.as_str(), value.as_bytes()),
            Edit::Append(name, value) => self.append(name.as_str(), value.as_bytes()),
        }
    }

    /// Puts one line in the place of all lines of this name.
    pub(super) fn set(&mut self, name: &'a str, value: &'a [u8]) {
        let Some(at) = self.first(name) else {
            return self.push(name, value);
        };
        self.list[at].value = value;
        let mut place = 0;
        self.list.retain(|line| {
            place += 1;
            place <= at + 1 || line.name != name
        });
    }

    /// Adds a line behind those of its name.
    pub(super) fn append(&mut self, name: &'a str, value: &'a [u8]) {
        let last = match self.may_have(name) {
            true => self.list.iter().rposition(|line| line.name == name),
            false => None,
        };
        match last {
            Some(at) => self.list.insert(at + 1, Line { name, value }),
            None => self.push(name, value),
        }
    }

    /// Names and values in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.list.iter().map(|line| (line.name, line.value))
    }

    fn first(&self, name: &str) -> Option<usize> {
        if !self.may_have(name) {
            return None;
        }
        self.list.iter().position(|line| line.name == name)
    }

    fn push(&mut self, name: &'a str, value: &'a [u8]) {
        self.marks |= mark(name);
        self.list.push(Line { name, value });
    }

    fn may_have(&self, name: &str) -> bool {
        self.marks & mark(name) != 0
    }
}

impl Fields for Lines<'_> {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        let name = name.as_str();
        if !self.may_have(name) {
            return None;
        }
        let mut found = self.list.iter().filter(|line| line.name == name);
        found.nth(n).map(|line| line.value)
    }

    fn each<'b>(&'b self, visit: &mut dyn FnMut(&'b [u8], &'b [u8])) {
        for line in &self.list {
            visit(line.name.as_bytes(), line.value);
        }
    }
}

/// One bit of a name, by its length and its last letter.
const fn mark(name: &str) -> u64 {
    let last = match name.as_bytes().last() {
        Some(last) => *last as usize,
        None => 0,
    };
    1 << ((name.len() * 7 + last) % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use filters::edits::Edits;
    use http::{HeaderMap, HeaderValue};
    use proptest::collection::vec;
    use proptest::prelude::*;

    const NAMES: [&str; 7] = [
        "content-type",
        "cache-control",
        "x-request-id",
        "access-control-allow-origin",
        "access-control-max-age",
        "vary",
        "x_odd",
    ];

    fn name() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(&NAMES[..])
    }

    #[derive(Clone, Debug)]
    enum Change {
        Remove(&'static str),
        RemovePrefix,
        RemoveUnderscored,
        Set(&'static str),
        Append(&'static str),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            1 => name().prop_map(Change::Remove),
            1 => Just(Change::RemovePrefix),
            1 => Just(Change::RemoveUnderscored),
            4 => name().prop_map(Change::Set),
            4 => name().prop_map(Change::Append),
        ]
    }

    fn edits(changes: &[Change]) -> Edits {
        let mut edits = Edits::default();
        for (n, change) in changes.iter().enumerate() {
            let value = HeaderValue::from(n);
            match change {
                Change::Remove(name) => edits.remove(HeaderName::from_static(name)),
                Change::RemovePrefix => edits.remove_prefix("access-control-"),
                Change::RemoveUnderscored => edits.remove_underscored(),
                Change::Set(name) => edits.set(HeaderName::from_static(name), value),
                Change::Append(name) => edits.append(HeaderName::from_static(name), value),
            }
        }
        edits
    }

    proptest! {
        #[test]
        fn edits_do_what_they_do_to_a_map(
            before in vec(name(), 0..8),
            changes in vec(change(), 0..12),
        ) {
            let edits = edits(&changes);
            let mut lines = Lines::default();
            let mut map = HeaderMap::new();
            for name in &before {
                lines.append(name, b"before");
                map.append(HeaderName::from_static(name), HeaderValue::from_static("before"));
            }
            edits.apply(&mut map);
            edits.iter().for_each(|edit| lines.edit(edit));
            let mut expected: Vec<_> =
                map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
            let mut got: Vec<_> = lines.iter().collect();
            for name in NAMES {
                for n in 0..3 {
                    let name = HeaderName::from_static(name);
                    prop_assert_eq!(Fields::nth(&lines, &name, n), Fields::nth(&map, &name, n));
                }
            }
            // A map that loses a name puts its last one there; otherwise the order is the same.
            let keeps = |change: &Change| matches!(change, Change::Set(_) | Change::Append(_));
            if !changes.iter().all(keeps) {
                expected.sort_by_key(|(name, _)| *name);
                got.sort_by_key(|(name, _)| *name);
            }
            prop_assert_eq!(got, expected);
        }
    }
}
