//! From the parser's events to a [`Tree`].

use super::super::error::{Mistake, Mistakes};
use super::super::limits::{ALIASES_MAX, DEPTH_MAX, NODES_MAX};
use super::super::source::{Source, offset};
use super::super::span::Span;
use super::{Content, Entry, NodeId, Tree, Value};
use granit_parser::{Event, Options, Parser, ScalarStyle, StructureStyle};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// The tree of a file. Without one, at least one mistake was added.
pub(in super::super) fn build(source: &Arc<Source>, mistakes: &mut Mistakes) -> Option<Tree> {
    let mut builder = Builder {
        nodes: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        total: 0,
        aliases: 0,
        root: None,
        dropped: Vec::new(),
        tag: None,
        mistakes,
    };
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.disallow_directives = true;
    // One more than ours, so that ours speaks first.
    options.flow_nesting_limit = DEPTH_MAX + 1;
    options.block_nesting_limit = DEPTH_MAX + 1;
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(source.text(), options) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                builder.syntax(source, &error);
                return None;
            }
        };
        let tag = span.tag_span().and_then(|tag| tag.byte_range());
        builder.tag = tag.map(|tag| Span {
            start: offset(tag.start),
            end: offset(tag.end),
        });
        let bytes = span.byte_range().unwrap_or_default();
        let span = Span {
            start: offset(bytes.start),
            end: offset(bytes.end),
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                builder.wrong(span, "a second document", "one", "remove the `---`");
                return None;
            }
        }
        builder.event(event, span).ok()?;
    }
    let Some(root) = builder
        .root
        .filter(|root| !builder.nodes[root.0 as usize].is_null())
    else {
        let empty = Mistake::of_file("the file is empty");
        builder
            .mistakes
            .add(empty.hint("start from conf/minimal.yaml"));
        return None;
    };
    let Builder { nodes, dropped, .. } = builder;
    let mut tree = Tree {
        source: source.clone(),
        nodes,
        root,
        hidden: Vec::new(),
    };
    tree.hide_secrets(&dropped);
    Some(tree)
}

pub(super) struct Builder<'m> {
    pub(super) nodes: Vec<Value>,
    pub(super) open: Vec<Open>,
    /// What each anchor names; `None` while that is still open.
    pub(super) anchors: HashMap<usize, Option<NodeId>>,
    pub(super) total: usize,
    pub(super) aliases: usize,
    pub(super) root: Option<NodeId>,
    /// Values under names that are none.
    pub(super) dropped: Vec<NodeId>,
    /// Where the tag of the present event stands.
    pub(super) tag: Option<Span>,
    pub(super) mistakes: &'m mut Mistakes,
}

/// A list or mapping whose end has not come yet.
pub(super) struct Open {
    pub(super) span: Span,
    pub(super) anchor: usize,
    pub(super) broken: bool,
    pub(super) flow: bool,
    pub(super) size: usize,
    pub(super) height: usize,
    pub(super) inner: Inner,
}

pub(super) enum Inner {
    List(Vec<NodeId>),
    Mapping {
        entries: Vec<Entry>,
        key: Option<NodeId>,
        seen: HashSet<Box<str>>,
    },
}

/// What is wrong with a name.
struct Slip {
    found: String,
    expected: &'static str,
    hint: &'static str,
    /// It is a name that the mapping has.
    twice: bool,
}

/// Reading cannot go on; the mistake was added.
pub(super) struct Stop;

// === impl Builder ===

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let content = match tag {
                    Some(tag) => self.tagged(span, &tag.original()),
                    None => Content::Scalar {
                        text: text.into(),
                        plain,
                    },
                };
                let id = self.push(span, content, 1, 0, None);
                self.name(anchor, Some(id));
                self.place(id)
            }
            Event::SequenceStart(style, anchor, tag) => self.open(
                span,
                style,
                anchor,
                tag.map(|tag| tag.original()),
                Inner::List(Vec::new()),
            ),
            Event::MappingStart(style, anchor, tag) => {
                let inner = Inner::Mapping {
                    entries: Vec::new(),
                    key: None,
                    seen: HashSet::new(),
                };
                self.open(span, style, anchor, tag.map(|tag| tag.original()), inner)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        span: Span,
        style: StructureStyle,
        anchor: usize,
        tag: Option<String>,
        inner: Inner,
    ) -> Result<(), Stop> {
        if self.open.len() >= DEPTH_MAX {
            return self.too_deep(span);
        }
        let broken = tag.is_some();
        if let Some(tag) = tag {
            self.tagged(span, &tag);
        }
        self.name(anchor, None);
        let flow = style == StructureStyle::Flow;
        self.open.push(Open {
            span,
            anchor,
            broken,
            flow,
            size: 1,
            height: 0,
            inner,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let (content, first) = match open.inner {
            Inner::List(items) => (Content::List(items), None),
            Inner::Mapping { entries, .. } => {
                let first = entries
                    .first()
                    .map(|entry| self.nodes[entry.key.0 as usize].span);
                (Content::Mapping(entries), first)
            }
        };
        // One mark that fits on a line: the bracket, the dash, or the first key.
        let mark = Span {
            start: open.span.start,
            end: open.span.start + 1,
        };
        let span = if open.flow {
            mark
        } else {
            first.unwrap_or(mark)
        };
        let content = if open.broken {
            Content::Broken
        } else {
            content
        };
        let id = self.push(span, content, open.size, open.height, None);
        self.name(open.anchor, Some(id));
        self.place(id)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        self.aliases += 1;
        if self.aliases > ALIASES_MAX {
            self.wrong(
                span,
                "too many aliases",
                &format!("at most {ALIASES_MAX}"),
                "",
            );
            return Err(Stop);
        }
        let Some(target) = self.anchors.get(&anchor).copied().flatten() else {
            self.wrong(
                span,
                "an alias inside the value that it names",
                "another value",
                "",
            );
            let id = self.push(span, Content::Broken, 1, 0, None);
            return self.place(id);
        };
        let value = &self.nodes[target.0 as usize];
        let (size, height) = (value.size, value.height);
        self.total = self.total.saturating_add(size);
        let content = if self.total > NODES_MAX {
            Content::Broken
        } else {
            value.content.clone()
        };
        if self.open.len() + height > DEPTH_MAX {
            return self.too_deep(span);
        }
        let id = self.push(span, content, size, height, Some(target));
        self.place(id)
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, id: NodeId) -> Result<(), Stop> {
        let value = &self.nodes[id.0 as usize];
        let (span, size, height) = (value.span, value.size, value.height);
        if self.total > NODES_MAX {
            let hint = "aliases count for what they unfold to";
            self.wrong(
                span,
                "too many values",
                &format!("at most {NODES_MAX}"),
                hint,
            );
            return Err(Stop);
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            return Ok(());
        };
        open.size = open.size.saturating_add(size);
        open.height = open.height.max(height + 1);
        match &mut open.inner {
            Inner::List(items) => items.push(id),
            Inner::Mapping {
                key: key @ None, ..
            } => *key = Some(id),
            Inner::Mapping { key: Some(key), .. } => {
                let entry = Entry {
                    key: *key,
                    value: id,
                };
                self.enter(entry);
            }
        }
        Ok(())
    }

    /// Puts a name and its value into the mapping that is open, if the name is one.
    fn enter(&mut self, mut entry: Entry) {
        let slip = self.slip(entry.key);
        if let Some(Slip {
            found,
            expected,
            hint,
            ..
        }) = &slip
        {
            let span = self.nodes[entry.key.0 as usize].span;
            self.wrong(span, found, expected, hint);
        }
        let drop = slip.as_ref().is_some_and(|slip| slip.twice);
        if slip.is_some() {
            // What stands under such a name is not judged; that something stands there is remembered,
            // and so is that it may be a secret.
            self.dropped.push(entry.value);
            let span = self.nodes[entry.value.0 as usize].span;
            entry.value = self.push(span, Content::Broken, 1, 0, None);
        }
        let text = match &self.nodes[entry.key.0 as usize].content {
            Content::Scalar { text, .. } => Some(text.clone()),
            _ => None,
        };
        let Some(Inner::Mapping { entries, key, seen }) =
            self.open.last_mut().map(|open| &mut open.inner)
        else {
            return;
        };
        *key = None;
        seen.extend(text);
        if !drop {
            entries.push(entry);
        }
    }

    /// What is wrong with a name.
    fn slip(&self, key: NodeId) -> Option<Slip> {
        let slip = |found: &str, expected, hint| {
            Some(Slip {
                found: found.to_owned(),
                expected,
                hint,
                twice: false,
            })
        };
        match &self.nodes[key.0 as usize].content {
            Content::Scalar { text, plain: true } if &**text == "<<" => {
                slip("a merge key", "a field", "write the fields out")
            }
            Content::Scalar { text, .. } => match self.open.last().map(|open| &open.inner) {
                Some(Inner::Mapping { seen, .. }) if seen.contains(text) => {
                    let found = format!("`{}` a second time", super::shorten(text));
                    let slip = slip(&found, "every name once", "remove one of the two")?;
                    Some(Slip {
                        twice: true,
                        ..slip
                    })
                }
                _ => None,
            },
            Content::List(_) | Content::Mapping(_) => {
                slip("a list or mapping as a name", "text", "")
            }
            // That it is broken was said.
            Content::Broken => None,
        }
    }

    fn push(
        &mut self,
        span: Span,
        content: Content,
        size: usize,
        height: usize,
        target: Option<NodeId>,
    ) -> NodeId {
        let id = NodeId(offset(self.nodes.len()));
        // What an alias stands for was added by the alias itself.
        self.total = self.total.saturating_add(1);
        self.nodes.push(Value {
            span,
            content,
            sensitive: false,
            size,
            height,
            target,
        });
        id
    }

    fn name(&mut self, anchor: usize, id: Option<NodeId>) {
        // The parser says 0 where there is no anchor.
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
    }
}
