//! From a [`Tree`] to typed values, by serde, without stopping at the first mistake.
//!
//! A derived `Deserialize` gives up at its first error. So a document is read in *passes*: a value that
//! does not fit is reported and masked, and the document is read again as if that value were not there,
//! until a pass finds nothing new. A field that is missing is reported and then stood in for by a
//! sample ([`sample`]), so that the fields behind it are looked at as well. Unknown fields need no pass
//! of their own: they are reported and skipped. What comes out of a document with mistakes serves for
//! finding further ones (unknown names, contradictions), and is then thrown away.

mod access;
mod reader;
mod sample;
mod wrong;

pub use reader::Reader;
pub use wrong::Wrong;

use super::error::{Mistake, Mistakes};
use super::hint;
use super::limits::PASSES_MAX;
use super::span::Path;
use super::tree::{Content, NodeId, Tree};
use hashbrown::{HashMap, HashSet};
use serde::Deserializer;
use serde::de::{self, DeserializeOwned, Visitor};
use std::cell::RefCell;
use std::fmt;

/// The name under which a [`NodeId`] asks our deserializer for itself.
const NODE: &str = "$tidegate::Node";

/// What one reading knows.
pub(super) struct Context<'t> {
    tree: &'t Tree,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    mistakes: Mistakes,
    /// Values and names that were reported: they are skipped from then on.
    masked: HashSet<NodeId>,
    /// Fields that were reported as missing: they are stood in for.
    given: HashMap<NodeId, Vec<&'static str>>,
    /// This pass has found something.
    progress: bool,
}

// === impl Tree ===

impl Tree {
    /// Reads a value as a `T`. `None` when there were mistakes; they were added.
    pub fn read<T: DeserializeOwned>(
        &self,
        id: NodeId,
        path: &Path<'_>,
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        let before = mistakes.count();
        let value = self.salvage(id, path, mistakes, |reader| T::deserialize(reader));
        value.filter(|_| mistakes.count() == before)
    }

    /// Reads a value by a function that is called once for each pass, and gives what can be had of it
    /// even with mistakes (they were added): what was wrong is left out or stood in for. Only for
    /// finding further mistakes.
    pub fn salvage<T>(
        &self,
        id: NodeId,
        path: &Path<'_>,
        mistakes: &mut Mistakes,
        mut read: impl FnMut(Reader<'_>) -> Result<T, Wrong>,
    ) -> Option<T> {
        let state = State {
            mistakes: std::mem::take(mistakes),
            ..State::default()
        };
        let context = Context {
            tree: self,
            state: RefCell::new(state),
        };
        let mut value = None;
        for _ in 0..PASSES_MAX {
            context.state.borrow_mut().progress = false;
            match read(Reader::new(&context, id, path)) {
                Ok(read) => {
                    value = Some(read);
                    break;
                }
                Err(wrong) => {
                    context.fail(id, path, wrong);
                    let state = context.state.borrow();
                    if !state.progress || state.masked.contains(&id) || state.mistakes.are_full() {
                        break;
                    }
                }
            }
        }
        *mistakes = context.state.into_inner().mistakes;
        if value.is_none() && mistakes.is_empty() {
            mistakes.add(Mistake::new(
                self.span(id),
                path,
                "this cannot be understood",
            ));
        }
        value
    }
}

// === impl Context ===

impl Context<'_> {
    /// Whether a value was already reported.
    fn is_masked(&self, id: NodeId) -> bool {
        matches!(self.tree.value(id).content, Content::Broken)
            || self.state.borrow().masked.contains(&id)
    }

    /// Reports what is wrong with a value, unless that was done, and masks the value.
    fn fail(&self, id: NodeId, path: &Path<'_>, wrong: Wrong) -> Wrong {
        if matches!(wrong, Wrong::Reported) {
            return Wrong::Reported;
        }
        // A value whose parts were wrong is judged when they are right.
        if !matches!(wrong, Wrong::Sample) && !self.has_masked_part(id) {
            self.add(self.mistake(id, path, wrong));
        }
        self.mask(id);
        Wrong::Reported
    }

    /// What ends a mapping: a missing field is reported and stood in for in the next pass.
    fn close(&self, id: NodeId, path: &Path<'_>, wrong: Wrong) -> Wrong {
        let Wrong::Missing(field) = wrong else {
            return wrong;
        };
        let mut state = self.state.borrow_mut();
        let given = state.given.entry(id).or_default();
        if given.contains(&field) {
            drop(state);
            return self.fail(id, path, Wrong::Sample);
        }
        given.push(field);
        state.progress = true;
        drop(state);
        if self.tree.field(id, field).is_none() {
            let found = format!("the field `{field}` is missing");
            let hint = format!("add `{field}: …`");
            self.add(Mistake::new(self.tree.span(id), path, found).hint(hint));
        }
        Wrong::Reported
    }

    /// Reports a field that nobody knows.
    fn unknown_field(&self, key: NodeId, path: &Path<'_>, name: &str, known: &'static [&str]) {
        let found = format!("the unknown field `{}`", super::tree::shorten(name));
        let expected = if known.is_empty() {
            "no field here"
        } else {
            "a known one"
        };
        let mistake = Mistake::new(self.tree.span(key), path, found).expected(expected);
        self.add(mistake.hint(hint::did_you_mean(name, known.iter().copied())));
        self.mask(key);
    }

    fn mistake(&self, id: NodeId, path: &Path<'_>, wrong: Wrong) -> Mistake {
        let found = self.tree.describe(id);
        let mistake = |found| Mistake::new(self.tree.span(id), path, found);
        match wrong {
            Wrong::Expected(expected) => {
                let (expected, hint) = wrong::advice(expected);
                let hint = match (self.tree.text(id), hint.is_empty()) {
                    (Some(text), true) => self.hint(id, text, &expected),
                    _ => hint,
                };
                mistake(found)
                    .expected(wrong::in_our_words(&expected))
                    .hint(hint)
            }
            Wrong::Unknown { found: name, known } => {
                let list = hint::list(known.iter().copied());
                let expected = list.map_or("nothing".to_owned(), |list| format!("one of {list}"));
                let near = hint::nearest(&name, known.iter().copied());
                let hint = near
                    .map(|near| format!("did you mean `{near}`?"))
                    .unwrap_or_default();
                mistake(found).expected(expected).hint(hint)
            }
            Wrong::Said(message) => {
                let (message, hint) = wrong::advice(message);
                mistake(message).hint(hint)
            }
            Wrong::Missing(field) => {
                mistake(format!("the field `{field}` is missing")).hint(format!("add `{field}: …`"))
            }
            Wrong::Reported | Wrong::Sample => mistake(found),
        }
    }

    /// What to do about a text that is not what was expected. Says nothing of what is hidden.
    fn hint(&self, id: NodeId, text: &str, expected: &str) -> String {
        let value = self.tree.value(id);
        let Content::Scalar { plain, .. } = value.content else {
            return String::new();
        };
        if value.is_null() {
            return "leave the field out, or give it a value".to_owned();
        }
        if value.sensitive {
            return String::new();
        }
        let kind = wrong::in_our_words(expected);
        let number = kind.starts_with("a whole number") || kind.starts_with("a number");
        match text {
            "yes" | "on" | "Yes" | "On" | "True" | "TRUE" if expected == "a boolean" => {
                "write `true`".to_owned()
            }
            "no" | "off" | "No" | "Off" | "False" | "FALSE" if expected == "a boolean" => {
                "write `false`".to_owned()
            }
            "true" | "false" if expected == "a boolean" && !plain => "remove the quotes".to_owned(),
            _ if number && !plain && super::tree::is_number(text) => "remove the quotes".to_owned(),
            _ if number && text.contains('_') => "write the digits only".to_owned(),
            _ if kind == "a list" => format!("write `[{}]`", super::tree::shorten(text)),
            _ => hint::quantity(expected, text),
        }
    }

    fn has_masked_part(&self, id: NodeId) -> bool {
        if self.state.borrow().given.contains_key(&id) {
            return true;
        }
        match &self.tree.value(id).content {
            Content::List(items) => items.iter().any(|item| self.is_masked(*item)),
            Content::Mapping(entries) => entries
                .iter()
                .any(|entry| self.is_masked(entry.value) || self.is_masked(entry.key)),
            Content::Scalar { .. } | Content::Broken => false,
        }
    }

    fn given(&self, id: NodeId) -> Vec<&'static str> {
        self.state
            .borrow()
            .given
            .get(&id)
            .cloned()
            .unwrap_or_default()
    }

    fn add(&self, mistake: Mistake) {
        let mut state = self.state.borrow_mut();
        state.mistakes.add(mistake);
        state.progress = true;
    }

    fn mask(&self, id: NodeId) {
        let mut state = self.state.borrow_mut();
        state.progress |= state.masked.insert(id);
    }
}

// === impl NodeId ===

impl<'de> de::Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;

        impl Visitor<'_> for Id {
            type Value = NodeId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_u32<E: de::Error>(self, id: u32) -> Result<NodeId, E> {
                Ok(NodeId(id))
            }
        }

        deserializer.deserialize_newtype_struct(NODE, Id)
    }
}

#[cfg(test)]
mod tests;
