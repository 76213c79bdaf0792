//! Where something stands: in the text ([`Span`]) and in the document ([`Path`]).

use std::fmt;

/// A range of bytes of the policy file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

/// A place in the document, as people write it: `chains.public[3].signature.window`. Made of borrowed
/// steps, so that reading a file without mistakes builds no text.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    /// The whole document.
    Root,
    /// A place whose text is known.
    At(&'a str),
    /// A field of what is at `0`.
    Field(&'a Path<'a>, &'a str),
    /// An element of the list at `0`, counted from zero.
    Element(&'a Path<'a>, usize),
}

// === impl Span ===

impl Span {
    /// The place of what stands in for a missing value: nothing is reported there.
    pub const NOWHERE: Self = Self {
        start: u32::MAX,
        end: u32::MAX,
    };
}

// === impl Path ===

impl<'a> Path<'a> {
    /// A field of this place.
    #[must_use]
    pub const fn field(&'a self, name: &'a str) -> Self {
        Self::Field(self, name)
    }

    /// An element of this place, counted from zero.
    #[must_use]
    pub const fn element(&'a self, index: usize) -> Self {
        Self::Element(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::At(text) => f.write_str(text),
            Self::Field(Path::Root | Path::At(""), name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Element(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_people_write_it() {
        let chains = Path::Root.field("chains");
        let public = chains.field("public");
        let fourth = public.element(3);
        let signature = fourth.field("signature");
        assert_eq!(
            signature.field("window").to_string(),
            "chains.public[3].signature.window"
        );
        assert_eq!(
            Path::At("routes[0]").field("path").to_string(),
            "routes[0].path"
        );
        assert_eq!(Path::Root.to_string(), "");
    }
}
