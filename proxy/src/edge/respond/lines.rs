//! The field lines of an answer of ours: those that it has by itself, and what the filters' edits make
//! of them.
//!
//! Lines that no edit takes come first, in their order; what the edits add stands behind them, as it
//! does in heads that are passed on. Written or put into a map, they are the same lines, which the tests
//! hold.

use filters::edits::Edits;
use filters::head::Fields;
use http::{HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

/// Lines that lie within a list; a refusal has four to six of its own.
const LINES_COMMON: usize = 8;

/// The lines that an answer has by itself. Names are in lower case, as [`HeaderName`] has them.
#[derive(Default)]
pub(super) struct Lines<'a> {
    list: SmallVec<[(&'a str, &'a [u8]); LINES_COMMON]>,
}

// === impl Lines ===

impl<'a> Lines<'a> {
    /// Adds a line.
    pub(super) fn push(&mut self, name: &'a str, value: &'a [u8]) {
        self.list.push((name, value));
    }

    /// Writes the lines as they are after the edits, each with its line end (RFC 9112, section 5).
    pub(super) fn write(&self, edits: &Edits, out: &mut Vec<u8>) {
        for &(name, value) in &self.list {
            if !edits.takes(name.as_bytes()) {
                line(out, name, value);
            }
        }
        for added in edits.added() {
            out.extend_from_slice(added.line);
        }
    }

    /// The lines as they are after the edits, as a map.
    ///
    /// # Panics
    /// Never: names and values were checked where they were made, or are fixed in the program.
    pub(super) fn to_map(&self, edits: &Edits) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.list.len() + 16);
        for &(name, value) in &self.list {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name that was checked"),
                HeaderValue::from_bytes(value).expect("a value that was checked"),
            );
        }
        edits.apply(&mut map);
        map
    }
}

impl Fields for Lines<'_> {
    fn nth(&self, name: &HeaderName, n: usize) -> Option<&[u8]> {
        let name = name.as_str();
        let mut found = self.list.iter().filter(|(other, _)| *other == name);
        found.nth(n).map(|(_, value)| *value)
    }

    fn each<'b>(&'b self, visit: &mut dyn FnMut(&'b [u8], &'b [u8])) {
        for (name, value) in &self.list {
            visit(name.as_bytes(), value);
        }
    }
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
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
                Change::Remove(name) => edits.remove(&HeaderName::from_static(name)),
                Change::RemovePrefix => edits.remove_prefix("access-control-"),
                Change::RemoveUnderscored => edits.remove_underscored(),
                Change::Set(name) => edits.set(&HeaderName::from_static(name), &value),
                Change::Append(name) => edits.append(&HeaderName::from_static(name), &value),
            }
        }
        edits
    }

    proptest! {
        #[test]
        fn written_and_as_a_map_the_lines_are_the_same(
            own in vec((name(), "[a-z]{0,3}"), 0..12),
            changes in vec(change(), 0..12),
        ) {
            let edits = edits(&changes);
            let mut lines = Lines::default();
            for (name, value) in &own {
                lines.push(name, value.as_bytes());
            }
            for name in NAMES {
                let given: Vec<_> =
                    own.iter().filter(|(other, _)| *other == name).map(|(_, value)| value).collect();
                for n in 0..=given.len() {
                    let found = lines.nth(&HeaderName::from_static(name), n);
                    prop_assert_eq!(found, given.get(n).map(|value| value.as_bytes()));
                }
            }
            let mut out = Vec::new();
            lines.write(&edits, &mut out);
            let out = String::from_utf8(out).unwrap();
            let mut written: Vec<_> = out
                .split_terminator("\r\n")
                .map(|line| line.split_once(": ").unwrap())
                .collect();
            let map = lines.to_map(&edits);
            let mut mapped: Vec<_> =
                map.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            // A map tells the lines of one name in their order, and names in one of its own.
            written.sort_by_key(|(name, _)| *name);
            mapped.sort_by_key(|(name, _)| *name);
            prop_assert_eq!(written, mapped);
        }
    }
}
