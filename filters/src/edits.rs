//! What shall be removed from a head, and set on it, on its way.
//!
//! Filters record edits; the lane that writes the head applies them in order. Names and values are
//! checked as `http` checks them, so that an edit can never smuggle a line break (RFC 9110, section 5.5).

mod value;

pub use value::Value;

use http::{HeaderName, HeaderValue};
use smallvec::SmallVec;

/// One change of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Every line of this name goes.
    Remove(HeaderName),
    /// Every line whose name begins so (lower case) goes.
    RemovePrefix(&'static str),
    /// Every line whose name holds an underscore goes: servers that map names to variables cannot
    /// tell `x_consumer_id` from `x-consumer-id`.
    RemoveUnderscored,
    /// All lines of this name are replaced by one.
    Set(HeaderName, Value),
    /// One line more.
    Append(HeaderName, Value),
}

/// The edits of one head, in the order in which they were recorded.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    list: SmallVec<[Edit; 16]>,
}

// === impl Edits ===

impl Edits {
    /// Removes every line of this name.
    pub fn remove(&mut self, name: HeaderName) {
        self.list.push(Edit::Remove(name));
    }

    /// Removes every line whose name begins with `prefix` (lower case).
    pub fn remove_prefix(&mut self, prefix: &'static str) {
        self.list.push(Edit::RemovePrefix(prefix));
    }

    /// Removes every line whose name holds an underscore.
    pub fn remove_underscored(&mut self) {
        self.list.push(Edit::RemoveUnderscored);
    }

    /// Replaces all lines of this name by one.
    pub fn set(&mut self, name: HeaderName, value: impl Into<Value>) {
        self.list.push(Edit::Set(name, value.into()));
    }

    /// Adds one line.
    pub fn append(&mut self, name: HeaderName, value: impl Into<Value>) {
        self.list.push(Edit::Append(name, value.into()));
    }

    /// Puts an edit before all others: for the filter that sees an answer last and must not undo
    /// what others have set.
    pub fn put_first(&mut self, edit: Edit) {
        self.list.insert(0, edit);
    }

    /// The edits in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Edit> + Clone {
        self.list.iter()
    }

    /// Forgets all edits.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Applies the edits to a map: for lanes that hold one, and for replies.
    pub fn apply(&self, map: &mut impl Fieldmap) {
        for edit in &self.list {
            match edit {
                Edit::Remove(name) => map.remove(name),
                Edit::RemovePrefix(prefix) => map.retain(&|name| !name.starts_with(prefix)),
                Edit::RemoveUnderscored => map.retain(&|name| !name.contains('_')),
                Edit::Set(name, value) => map.set(name, value.to_header()),
                Edit::Append(name, value) => map.append(name, value.to_header()),
            }
        }
    }
}

/// A map of field lines that edits can be applied to.
pub trait Fieldmap {
    /// Removes every line of this name.
    fn remove(&mut self, name: &HeaderName);
    /// Keeps the lines whose lower-case name `keep` accepts.
    fn retain(&mut self, keep: &dyn Fn(&str) -> bool);
    /// Replaces all lines of this name by one.
    fn set(&mut self, name: &HeaderName, value: HeaderValue);
    /// Adds one line.
    fn append(&mut self, name: &HeaderName, value: HeaderValue);
}

impl Fieldmap for http::HeaderMap {
    fn remove(&mut self, name: &HeaderName) {
        Self::remove(self, name);
    }

    fn retain(&mut self, keep: &dyn Fn(&str) -> bool) {
        let gone: Vec<HeaderName> = self
            .keys()
            .filter(|name| !keep(name.as_str()))
            .cloned()
            .collect();
        for name in gone {
            Self::remove(self, name);
        }
    }

    fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        self.insert(name.clone(), value);
    }

    fn append(&mut self, name: &HeaderName, value: HeaderValue) {
        Self::append(self, name.clone(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    #[test]
    fn edits_work_in_the_order_in_which_they_were_recorded() {
        let mut map = HeaderMap::new();
        for (name, value) in [
            ("x-consumer-id", "forged"),
            ("x-consumer-tier", "forged"),
            ("x_consumer_id", "forged"),
            ("accept", "a"),
        ] {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let mut edits = Edits::default();
        edits.remove_prefix("x-consumer-");
        edits.remove_underscored();
        edits.set(
            HeaderName::from_static("x-consumer-id"),
            HeaderValue::from_static("true"),
        );
        edits.append(
            HeaderName::from_static("accept"),
            HeaderValue::from_static("b"),
        );
        edits.apply(&mut map);
        let mut left: Vec<String> = map
            .iter()
            .map(|(n, v)| format!("{n}={}", v.to_str().unwrap()))
            .collect();
        left.sort();
        assert_eq!(left, ["accept=a", "accept=b", "x-consumer-id=true"]);
    }
}
