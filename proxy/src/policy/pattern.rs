//! Path patterns: `/api/v1/orders/{id}`, `/files/*`.
//!
//! A pattern is compared byte for byte with the raw path; nothing is normalised and case counts. A
//! segment is literal, or a capture (`{name}`: one segment that is not empty), or, at the end, a tail
//! (`*`: whatever is left, perhaps nothing, but its slash must be there). `/files/*` meets `/files/` and
//! `/files/a/b`, and not `/files`.

use super::limits::{PATTERN_BYTES_MAX, PATTERN_SEGMENTS_MAX};
use filters::builtin::hygiene::target::judge_path;
use std::fmt;
use std::ops::Range;

/// A path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// These bytes.
    Literal(String),
    /// One segment that is not empty, under this name.
    Capture(String),
    /// Whatever is left.
    Tail,
}

/// A text that is no pattern: what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPattern {
    /// What is wrong.
    pub problem: String,
    /// What to do; may be empty.
    pub hint: String,
}

// === impl Pattern ===

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it. A literal part that `hygiene` refuses in every request is wrong too: no
    /// request would ever meet it.
    pub fn read(text: &str) -> Result<Self, NoPattern> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(NoPattern::new(
                "a path that does not begin with `/`",
                format!("/{text}"),
            ));
        };
        if text.len() > PATTERN_BYTES_MAX {
            let problem = format!("a path of more than {PATTERN_BYTES_MAX} bytes");
            return Err(NoPattern {
                problem,
                hint: String::new(),
            });
        }
        let count = rest.split('/').count();
        if count > PATTERN_SEGMENTS_MAX {
            let problem = format!("a path of more than {PATTERN_SEGMENTS_MAX} segments");
            return Err(NoPattern {
                problem,
                hint: String::new(),
            });
        }
        let mut segments = Vec::with_capacity(count);
        for (index, part) in rest.split('/').enumerate() {
            let segment = Self::segment(part, index + 1 == count)?;
            let twice = matches!(segment, Segment::Capture(_)) && segments.contains(&segment);
            if twice {
                let problem = format!("the capture `{part}` twice");
                return Err(NoPattern {
                    problem,
                    hint: "name them apart".to_owned(),
                });
            }
            segments.push(segment);
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }

    fn segment(part: &str, last: bool) -> Result<Segment, NoPattern> {
        if part == "*" && last {
            return Ok(Segment::Tail);
        }
        if part.contains('*') {
            let hint = "`*` stands alone and at the end: `/files/*`; inside, write `{name}`";
            return Err(NoPattern {
                problem: format!("`{part}` in a path"),
                hint: hint.to_owned(),
            });
        }
        if let Some(name) = part
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        {
            let first = name
                .bytes()
                .next()
                .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
            if first && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Ok(Segment::Capture(name.to_owned()));
            }
        }
        if part.contains(['{', '}']) {
            let hint = "a capture is a whole segment: `/orders/{id}`";
            return Err(NoPattern {
                problem: format!("`{part}` in a path"),
                hint: hint.to_owned(),
            });
        }
        if let Some(name) = part.strip_prefix(':') {
            return Err(NoPattern::new(
                &format!("`{part}` in a path"),
                format!("{{{name}}}"),
            ));
        }
        // An empty segment inside is `//`, which the judge below would not see.
        if part.is_empty() && !last {
            let problem = "`//` in a path".to_owned();
            return Err(NoPattern {
                problem,
                hint: "no request with it is let through".to_owned(),
            });
        }
        match judge_path(format!("/{part}").as_bytes()) {
            Ok(()) => Ok(Segment::Literal(part.to_owned())),
            Err(fault) => Err(NoPattern {
                problem: format!("`{part}` in a path, which is refused in every request"),
                hint: format!("the fault is `{}`", fault.as_str()),
            }),
        }
    }

    /// The segments.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether another pattern meets exactly the same paths: what captures are called does not count.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len()
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|pair| match pair {
                    (Segment::Literal(one), Segment::Literal(other)) => one == other,
                    (Segment::Capture(_), Segment::Capture(_)) | (Segment::Tail, Segment::Tail) => {
                        true
                    }
                    _ => false,
                })
    }

    /// The API version that the path names: `1` of `/api/v1/orders`.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.segments.iter().find_map(|segment| match segment {
            Segment::Literal(text) => text
                .strip_prefix('v')
                .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())),
            Segment::Capture(_) | Segment::Tail => None,
        })
    }

    /// Where the captures of a path that this pattern meets lie in it; the tail is called `*`.
    pub fn captures<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = (&'a str, Range<usize>)> {
        let mut at = 1;
        self.segments.iter().filter_map(move |segment| {
            let start = at.min(path.len());
            let length = path[start..].iter().position(|byte| *byte == b'/');
            let end = length.map_or(path.len(), |length| start + length);
            at = end + 1;
            match segment {
                Segment::Literal(_) => None,
                Segment::Capture(name) => Some((name.as_str(), start..end)),
                Segment::Tail => Some(("*", start..path.len())),
            }
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

// === impl NoPattern ===

impl NoPattern {
    fn new(problem: &str, better: impl fmt::Display) -> Self {
        Self {
            problem: problem.to_owned(),
            hint: format!("write `{better}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_or_refused_with_a_reason() {
        let long = format!("/{}", "a".repeat(PATTERN_BYTES_MAX));
        let deep = "/a".repeat(PATTERN_SEGMENTS_MAX + 1);
        let deepest = "/a".repeat(PATTERN_SEGMENTS_MAX);
        for (text, wrong) in [
            ("/", None),
            ("/a", None),
            ("/a/", None),
            ("/a/{id}/b", None),
            ("/{a}/{b}", None),
            ("/*", None),
            ("/a/*", None),
            ("/a.b/c-d/~e", None),
            (&deepest, None),
            (&deep, Some("a path of more than 32 segments")),
            (&long, Some("a path of more than 1024 bytes")),
            ("", Some("a path that does not begin with `/`")),
            ("a", Some("a path that does not begin with `/`")),
            ("/a//b", Some("`//` in a path")),
            ("/*/a", Some("`*` in a path")),
            ("/a/b*", Some("`b*` in a path")),
            ("/{id", Some("`{id` in a path")),
            ("/{}", Some("`{}` in a path")),
            ("/{1}", Some("`{1}` in a path")),
            ("/x{id}", Some("`x{id}` in a path")),
            ("/:id", Some("`:id` in a path")),
            ("/{a}/{a}", Some("the capture `{a}` twice")),
            (
                "/a/../b",
                Some("`..` in a path, which is refused in every request"),
            ),
            (
                "/a;b",
                Some("`a;b` in a path, which is refused in every request"),
            ),
            (
                "/a b",
                Some("`a b` in a path, which is refused in every request"),
            ),
            (
                "/%2e",
                Some("`%2e` in a path, which is refused in every request"),
            ),
            (
                "/a?b",
                Some("`a?b` in a path, which is refused in every request"),
            ),
        ] {
            let found = Pattern::read(text).err().map(|wrong| wrong.problem);
            assert_eq!(found.as_deref(), wrong, "{text}");
        }
    }

    #[test]
    fn the_version_is_the_first_literal_segment_that_names_one() {
        for (text, version) in [
            ("/api/v1/orders", Some("1")),
            ("/v12", Some("12")),
            ("/api/v1/v2", Some("1")),
            ("/api/{v1}", None),
            ("/api/v/orders", None),
            ("/api/v1a", None),
            ("/api/V1", None),
        ] {
            assert_eq!(Pattern::read(text).unwrap().version(), version, "{text}");
        }
    }

    #[test]
    fn captures_are_ranges_of_the_path() {
        for (text, path, expected) in [
            ("/a/{id}", "/a/42", vec![("id", "42")]),
            ("/{a}/b/{c}", "/x/b/y", vec![("a", "x"), ("c", "y")]),
            ("/f/*", "/f/a/b", vec![("*", "a/b")]),
            ("/f/*", "/f/", vec![("*", "")]),
            ("/a", "/a", vec![]),
        ] {
            let pattern = Pattern::read(text).unwrap();
            let found: Vec<_> = pattern
                .captures(path.as_bytes())
                .map(|(name, at)| (name, &path[at]))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
