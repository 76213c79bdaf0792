//! The filters of a chain: each a name, or a name with its configuration.
//!
//! The configuration is read later, by the filter's own type; here it only has to be one.

use super::error::{Mistake, Mistakes};
use super::raw::{Chain, File, Filter};
use super::span::Path;
use super::spanned::Spanned;
use super::tree::{Content, NodeId, Tree};

const SHAPE: &str = "a filter's name, or `name: { … }`";

/// The chains of a file that was read.
pub(super) fn read(tree: &mut Tree, file: &File, mistakes: &mut Mistakes) -> Vec<Chain> {
    let chains = Path::Root.field("chains");
    let mut read = Vec::new();
    for (name, items) in file.chain_items.iter() {
        let path = chains.field(name);
        let filters = items.iter().enumerate();
        let filters =
            filters.filter_map(|(index, id)| one(tree, *id, &path.element(index), mistakes));
        read.push(Chain {
            name: name.clone(),
            filters: filters.collect(),
        });
    }
    read
}

fn one(tree: &mut Tree, id: NodeId, path: &Path<'_>, mistakes: &mut Mistakes) -> Option<Filter> {
    let (name, config) = match &tree.value(id).content {
        Content::Scalar { .. } if !tree.value(id).is_null() => (id, None),
        Content::Mapping(entries) if entries.len() == 1 => (entries[0].key, Some(entries[0].value)),
        Content::Mapping(entries) => {
            // The commonest slip: the configuration not indented under the name.
            let hint = match entries.first().and_then(|entry| tree.text(entry.key)) {
                Some(name) => format!("indent what belongs to `{name}` deeper than its name"),
                None => String::new(),
            };
            let found = format!("a mapping of {} names", entries.len());
            mistakes.add(
                Mistake::new(tree.span(id), path, found)
                    .expected(SHAPE)
                    .hint(hint),
            );
            return None;
        }
        _ => {
            let found = tree.describe(id);
            mistakes.add(Mistake::new(tree.span(id), path, found).expected(SHAPE));
            return None;
        }
    };
    let text = tree.text(name)?.to_owned();
    let path = path.field(&text).to_string();
    let span = tree.span(name);
    let config = match config {
        Some(config) if !tree.value(config).is_null() => config,
        _ => tree.add_empty_mapping(span),
    };
    Some(Filter {
        name: Spanned::new(text, span),
        config,
        path,
    })
}
