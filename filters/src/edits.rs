//! What shall be removed from a head, and added to it, on its way.
//!
//! Filters record edits in the order in which they run; each takes effect at once on what was recorded
//! before it, so that two things are left to be done by the lane that writes the head: leave out the
//! lines of the message that some edit [takes](Edits::takes), and put those [added](Edits::added) behind
//! the others. Names and values are checked as `http` checks them, so that an edit can never smuggle a
//! line break (RFC 9110, section 5.5).
//!
//! The lines lie in one piece of memory, as they will be written: a head that is edited asks twice for
//! memory, however many edits there are, and one that is not edited never.

mod sheet;
mod value;

pub use value::{FieldValue, Value};

use http::header::InvalidHeaderValue;
use http::{HeaderName, HeaderValue};
use sheet::{Sheet, Takes};

/// The edits of one head.
#[derive(Default)]
pub struct Edits {
    /// None until something is recorded.
    sheet: Option<Box<Sheet>>,
}

/// Lines that are set again and again, made ready once.
pub struct FixedLines(Sheet);

/// A line that edits add to a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added<'a> {
    /// The name, in lower case.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// The whole line, from its name to its line end.
    pub line: &'a [u8],
}

// === impl FixedLines ===

impl FixedLines {
    /// One line for each name.
    #[must_use]
    pub fn new<'a>(lines: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> Self {
        let mut sheet = Sheet::default();
        for (name, value) in lines {
            sheet.set(name.as_str().as_bytes(), value.as_bytes());
        }
        Self(sheet)
    }
}

// === impl Edits ===

impl Edits {
    /// Removes every line of this name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.sheet().remove(name.as_str().as_bytes());
    }

    /// Removes every line whose name begins with `prefix` (lower case).
    pub fn remove_prefix(&mut self, prefix: &'static str) {
        self.sheet().remove_prefix(prefix.as_bytes());
    }

    /// Removes every line whose name holds an underscore: servers that map names to variables cannot
    /// tell `x_consumer_id` from `x-consumer-id`.
    pub fn remove_underscored(&mut self) {
        self.sheet().remove_underscored();
    }

    /// Removes the message's own lines of this name, and nothing that an edit adds: for the filter that
    /// sees an answer last and must not undo what others have set.
    pub fn hide(&mut self, name: &HeaderName) {
        self.sheet().take(name.as_str().as_bytes(), Takes::Name);
    }

    /// The same for all names that begin with `prefix` (lower case).
    pub fn hide_prefix(&mut self, prefix: &'static str) {
        self.sheet().take(prefix.as_bytes(), Takes::Prefix);
    }

    /// Replaces all lines of this name by one.
    pub fn set(&mut self, name: &HeaderName, value: &impl FieldValue) {
        self.sheet().set(name.as_str().as_bytes(), value.as_field());
    }

    /// The same for many names at once.
    pub fn set_all(&mut self, lines: &FixedLines) {
        if lines.0.sets_any() {
            self.sheet().set_all(&lines.0);
        }
    }

    /// Replaces all lines of this name by one with a value that is checked now.
    ///
    /// # Errors
    /// A byte that no value may have; then nothing is recorded.
    pub fn try_set(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), InvalidHeaderValue> {
        value::check(value)?;
        self.sheet().set(name.as_str().as_bytes(), value);
        Ok(())
    }

    /// Adds one line.
    pub fn append(&mut self, name: &HeaderName, value: &impl FieldValue) {
        self.sheet()
            .append(name.as_str().as_bytes(), value.as_field());
    }

    /// Forgets all edits.
    pub fn clear(&mut self) {
        self.sheet = None;
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sheet.is_none()
    }

    /// Whether the message's lines of this name go, in any spelling.
    #[must_use]
    #[inline]
    pub fn takes(&self, name: &[u8]) -> bool {
        self.sheet.as_ref().is_some_and(|sheet| sheet.takes(name))
    }

    /// The lines to add, in their order.
    #[inline]
    pub fn added(&self) -> impl Iterator<Item = Added<'_>> {
        sheet::added(self.sheet.as_deref())
    }

    /// Applies the edits to a map: for lanes that hold one, and for replies.
    ///
    /// # Panics
    /// Never: names and values were checked when they were recorded.
    pub fn apply(&self, map: &mut impl Fieldmap) {
        let Some(sheet) = &self.sheet else { return };
        map.retain(&|name| !sheet.takes(name.as_bytes()));
        for added in self.added() {
            let name = HeaderName::from_bytes(added.name).expect("it was a name");
            let value = HeaderValue::from_bytes(added.value).expect("it was checked");
            map.append(name, value);
        }
    }

    fn sheet(&mut self) -> &mut Sheet {
        self.sheet.get_or_insert_with(Sheet::new)
    }
}

/// A map of field lines that edits can be applied to.
pub trait Fieldmap {
    /// Keeps the lines whose lower-case name `keep` accepts.
    fn retain(&mut self, keep: &dyn Fn(&str) -> bool);
    /// Adds one line.
    fn append(&mut self, name: HeaderName, value: HeaderValue);
}

impl Fieldmap for http::HeaderMap {
    fn retain(&mut self, keep: &dyn Fn(&str) -> bool) {
        let gone: Vec<HeaderName> = self
            .keys()
            .filter(|name| !keep(name.as_str()))
            .cloned()
            .collect();
        for name in gone {
            self.remove(name);
        }
    }

    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        Self::append(self, name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use http::header::{ACCEPT, SERVER, VIA};

    const fn text(value: &'static str) -> HeaderValue {
        HeaderValue::from_static(value)
    }

    #[test]
    fn edits_work_in_the_order_in_which_they_were_recorded() {
        let consumer = HeaderName::from_static("x-consumer-id");
        type Record<'a> = &'a dyn Fn(&mut Edits);
        // What is recorded, which of the message's names go, and what is added.
        let cases: &[(Record<'_>, &[&str], &[&str])] = &[
            (&|_| {}, &[], &[]),
            (&|edits| edits.remove(&ACCEPT), &["accept"], &[]),
            (
                &|edits| edits.append(&ACCEPT, &text("b")),
                &[],
                &["accept: b"],
            ),
            (
                &|edits| {
                    edits.set(&ACCEPT, &text("a"));
                    edits.append(&ACCEPT, &text("b"));
                },
                &["accept"],
                &["accept: a", "accept: b"],
            ),
            (
                &|edits| {
                    edits.append(&ACCEPT, &text("a"));
                    edits.append(&VIA, &text("v"));
                    edits.set(&ACCEPT, &text("b"));
                },
                &["accept"],
                &["via: v", "accept: b"],
            ),
            (
                &|edits| {
                    edits.append(&SERVER, &text("s"));
                    edits.remove(&SERVER);
                },
                &["server"],
                &[],
            ),
            (
                &|edits| {
                    edits.set(&SERVER, &text("ours"));
                    edits.hide(&SERVER);
                    edits.set(&consumer, &text("ours"));
                    edits.hide_prefix("x-consumer-");
                },
                &["server", "x-consumer-id", "x-consumer-tier"],
                &["server: ours", "x-consumer-id: ours"],
            ),
            (
                &|edits| {
                    edits.set(&consumer, &text("forged"));
                    edits.remove_prefix("x-consumer-");
                    edits.remove_underscored();
                    edits.set(&consumer, &text("ours"));
                },
                &["x-consumer-id", "x-consumer-tier", "x_consumer_id"],
                &["x-consumer-id: ours"],
            ),
            (
                &|edits| {
                    edits.set(&HeaderName::from_static("a_b"), &text("1"));
                    edits.remove_underscored();
                },
                &["x_consumer_id"],
                &[],
            ),
        ];
        for (n, (record, gone, added)) in cases.iter().enumerate() {
            let mut edits = Edits::default();
            record(&mut edits);
            check(n, &edits, gone, added);
        }
    }

    fn check(n: usize, edits: &Edits, gone: &[&str], added: &[&str]) {
        let names = [
            "Accept",
            "Server",
            "Via",
            "X-Consumer-Id",
            "x-consumer-TIER",
            "X_Consumer_Id",
        ];
        let mut map = HeaderMap::new();
        for name in names {
            let is_gone = gone.iter().any(|gone| gone.eq_ignore_ascii_case(name));
            assert_eq!(edits.takes(name.as_bytes()), is_gone, "{n}: {name}");
            map.append(name.parse::<HeaderName>().unwrap(), text("theirs"));
        }
        let lines: Vec<&[u8]> = edits.added().map(|added| added.line).collect();
        let expected: Vec<String> = added.iter().map(|line| format!("{line}\r\n")).collect();
        assert_eq!(
            lines,
            expected.iter().map(String::as_bytes).collect::<Vec<_>>(),
            "{n}"
        );
        // A map comes to the same.
        edits.apply(&mut map);
        let mut left: Vec<String> = map
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        left.sort();
        let mut expected: Vec<String> = names
            .iter()
            .map(|name| name.to_lowercase())
            .filter(|name| !gone.contains(&&**name))
            .map(|name| format!("{name}: theirs"))
            .chain(added.iter().map(|&line| line.to_owned()))
            .collect();
        expected.sort();
        assert_eq!(left, expected, "{n}");
    }

    #[test]
    fn lines_that_were_made_ready_are_set_like_others() {
        let (a, b) = (text("a"), text("b"));
        let lines = FixedLines::new([(&ACCEPT, &a), (&VIA, &b)]);
        let mut edits = Edits::default();
        edits.append(&SERVER, &text("s"));
        edits.append(&VIA, &text("gone"));
        edits.set_all(&lines);
        edits.append(&VIA, &text("c"));
        let added = ["server: s", "accept: a", "via: b", "via: c"];
        check(0, &edits, &["accept", "via"], &added);
        edits.set_all(&lines);
        check(
            1,
            &edits,
            &["accept", "via"],
            &["server: s", "accept: a", "via: b"],
        );
    }

    #[test]
    fn a_value_that_is_none_is_not_recorded() {
        let mut edits = Edits::default();
        for value in ["a\r\nX-Admin: 1", "a\n", "a\0", "\u{7f}"] {
            assert!(edits.try_set(&VIA, value.as_bytes()).is_err(), "{value:?}");
        }
        assert!(edits.is_empty());
        edits.try_set(&VIA, "a\tb \u{fc}".as_bytes()).unwrap();
        assert_eq!(
            edits.added().next().unwrap().value,
            "a\tb \u{fc}".as_bytes()
        );
    }

    #[test]
    fn what_was_cleared_is_forgotten() {
        let mut edits = Edits::default();
        edits.set(&VIA, &Value::number(1));
        edits.remove_prefix("x-");
        edits.remove_underscored();
        edits.clear();
        assert!(edits.is_empty() && edits.added().next().is_none());
        edits.append(&ACCEPT, &text("a"));
        assert!(!edits.takes(b"via") && !edits.takes(b"x-a") && !edits.takes(b"a_b"));
        assert_eq!(edits.added().count(), 1);
    }
}
