//! A policy file as a tree of values, each with its place.
//!
//! What YAML offers beyond values, lists and mappings is refused or bounded: tags and merge keys are
//! mistakes, a key stands once and is plain text, aliases count for what they unfold to. Types are
//! not decided here: a value keeps its text until somebody asks for a number.

mod blame;
mod build;

pub(super) use build::build;

use super::error::{Mistakes, Report, Severity};
use super::redact;
use super::source::{Source, offset};
use super::span::Span;
use std::sync::Arc;

/// A policy file as a tree of values.
pub struct Tree {
    source: Arc<Source>,
    nodes: Vec<Value>,
    root: NodeId,
    hidden: Vec<Span>,
}

/// One value of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(pub(super) u32);

/// One value with its place.
pub(super) struct Value {
    pub(super) span: Span,
    pub(super) content: Content,
    /// It may be a secret: no message repeats it.
    pub(super) sensitive: bool,
    /// Values under this one, itself included, aliases unfolded.
    size: usize,
    /// Levels under this one.
    height: usize,
    /// What an alias stands for.
    target: Option<NodeId>,
}

/// What a value is.
#[derive(Clone)]
pub(super) enum Content {
    /// A text; unquoted, it may stand for a number or nothing.
    Scalar { text: Box<str>, plain: bool },
    /// Values in order.
    List(Vec<NodeId>),
    /// Values by name, in the order of the file, each name once.
    Mapping(Vec<Entry>),
    /// Something that was already reported.
    Broken,
}

/// One `key: value`.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) key: NodeId,
    pub(super) value: NodeId,
}

/// Whether a value may be a secret.
#[derive(Clone, Copy)]
enum Sensitive {
    No,
    /// Somewhere in a section whose name sounds like one.
    Section,
    /// Its own name sounds like one.
    Named,
}

// === impl Tree ===

impl Tree {
    /// The outermost value.
    #[must_use]
    pub const fn root(&self) -> NodeId {
        self.root
    }

    /// The file's text.
    #[must_use]
    pub const fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// A report of mistakes in this file.
    #[must_use]
    pub fn report(&self, mistakes: Mistakes, severity: Severity) -> Report {
        mistakes.report(self.source.clone(), severity, self.hidden.clone())
    }

    /// Where a value stands.
    #[must_use]
    pub fn span(&self, id: NodeId) -> Span {
        self.value(id).span
    }

    /// Adds an empty mapping: the configuration of a filter that was named alone.
    pub(super) fn add_empty_mapping(&mut self, span: Span) -> NodeId {
        let id = NodeId(offset(self.nodes.len()));
        self.nodes.push(Value {
            span,
            content: Content::Mapping(Vec::new()),
            sensitive: false,
            size: 1,
            height: 0,
            target: None,
        });
        id
    }

    pub(super) fn value(&self, id: NodeId) -> &Value {
        &self.nodes[id.0 as usize]
    }

    /// A field's value, if this is a mapping that has it.
    #[must_use]
    pub fn field(&self, id: NodeId, name: &str) -> Option<NodeId> {
        let Content::Mapping(entries) = &self.value(id).content else {
            return None;
        };
        let entry = entries
            .iter()
            .find(|entry| self.text(entry.key) == Some(name))?;
        Some(entry.value)
    }

    /// A list's element, if this is one that has it.
    #[must_use]
    pub fn element(&self, id: NodeId, index: usize) -> Option<NodeId> {
        match &self.value(id).content {
            Content::List(items) => items.get(index).copied(),
            _ => None,
        }
    }

    /// Whether this is a list or mapping that is not empty.
    #[must_use]
    pub fn has_parts(&self, id: NodeId) -> bool {
        match &self.value(id).content {
            Content::List(items) => !items.is_empty(),
            Content::Mapping(entries) => !entries.is_empty(),
            Content::Scalar { .. } | Content::Broken => false,
        }
    }

    /// A value's text, if it is one.
    pub(super) fn text(&self, id: NodeId) -> Option<&str> {
        match &self.value(id).content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// A value as a message names it: "the number 300", "a list". Never a secret.
    pub(super) fn describe(&self, id: NodeId) -> String {
        let value = self.value(id);
        match &value.content {
            Content::Scalar { .. } if value.is_null() => "nothing".to_owned(),
            Content::Scalar { .. } if value.sensitive => "a value that is hidden here".to_owned(),
            Content::Scalar { text, plain: true } if is_number(text) => {
                format!("the number {}", shorten(text))
            }
            Content::Scalar { text, .. } if text.is_empty() => "empty text".to_owned(),
            Content::Scalar { text, .. } => format!("`{}`", shorten(text)),
            Content::List(items) if items.is_empty() => "an empty list".to_owned(),
            Content::List(_) => "a list".to_owned(),
            Content::Mapping(entries) if entries.is_empty() => "an empty mapping".to_owned(),
            Content::Mapping(_) => "a mapping".to_owned(),
            Content::Broken => "something unreadable".to_owned(),
        }
    }

    /// Marks what may be a secret, and keeps its places for the reports.
    fn hide_secrets(&mut self, dropped: &[NodeId]) {
        let mut open = vec![(self.root, Sensitive::No)];
        open.extend(dropped.iter().map(|id| (*id, Sensitive::Section)));
        while let Some((id, sensitive)) = open.pop() {
            let value = &self.nodes[id.0 as usize];
            match &value.content {
                Content::Scalar { text, .. } => {
                    let hide = match sensitive {
                        Sensitive::No => false,
                        Sensitive::Section => {
                            !redact::is_reference(text) && !redact::is_harmless(text)
                        }
                        Sensitive::Named => !redact::is_reference(text),
                    };
                    if hide {
                        self.hidden.push(value.span);
                    }
                    // Lists and mappings behind an alias share their values with it; a text does not.
                    open.extend(value.target.map(|target| (target, sensitive)));
                    self.nodes[id.0 as usize].sensitive |= hide;
                }
                Content::List(items) => open.extend(items.iter().map(|item| (*item, sensitive))),
                Content::Mapping(entries) => {
                    let inherited = match sensitive {
                        Sensitive::No => Sensitive::No,
                        Sensitive::Section | Sensitive::Named => Sensitive::Section,
                    };
                    for entry in entries {
                        let name = self.text(entry.key).unwrap_or_default();
                        let named = redact::is_sensitive_name(name);
                        open.push((
                            entry.value,
                            if named { Sensitive::Named } else { inherited },
                        ));
                    }
                }
                Content::Broken if matches!(sensitive, Sensitive::No) => {}
                Content::Broken => self.hidden.push(value.span),
            }
        }
        self.hidden.sort_by_key(|span| span.start);
        self.hidden.dedup();
    }
}

// === impl Value ===

impl Value {
    /// Whether nothing is written here.
    pub(super) fn is_null(&self) -> bool {
        match &self.content {
            Content::Scalar { text, plain } => *plain && matches!(&**text, "" | "~" | "null"),
            _ => false,
        }
    }
}

/// Whether an unquoted text is a number as JSON writes them.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_digit())
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && text.parse::<f64>().is_ok()
}

/// A text that fits into a message.
pub(super) fn shorten(text: &str) -> String {
    const CHARACTERS: usize = 40;
    if text.chars().count() <= CHARACTERS {
        return text.to_owned();
    }
    text.chars().take(CHARACTERS - 1).chain(['…']).collect()
}
