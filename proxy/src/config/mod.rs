//! What was written: a policy file, read with everything that is wrong with it.
//!
//! ```text
//! text ──granit-parser──► tree (values with places) ──serde──► raw (the file's shape)
//! ```
//!
//! A file with ten mistakes gives ten messages, each with its place, the line, and what to do. Unknown
//! fields, wrong types, names twice and missing units are mistakes, never passed over. Nothing is
//! resolved here: names, defaults and contradictions are `policy`'s.

mod chains;
mod de;
mod error;
mod files;
pub(crate) mod hint;
pub mod limits;
mod named;
pub mod raw;
mod redact;
mod render;
mod source;
mod span;
mod spanned;
mod syntax;
mod tree;
pub mod units;

pub use de::{Reader, Wrong};
pub use error::{Mistake, Mistakes, Report, Severity};
pub use files::Files;
pub use named::Named;
pub use raw::Raw;
pub use source::{Position, Source};
pub use span::{Path, Span};
pub use spanned::Spanned;
pub use tree::{NodeId, Tree};

use limits::FILE_BYTES_MAX;
use std::sync::Arc;

/// A file with mistakes, as far as it can be understood: for finding the mistakes that later steps
/// know of, never for use.
pub struct Salvage {
    /// The file; what was wrong in it is left out or stood in for.
    pub raw: Raw,
    /// The mistakes so far; none in a good file.
    pub mistakes: Mistakes,
}

/// Reads the text of a policy file; `name` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(name: &str, text: &str) -> Result<Raw, Report> {
    salvage(name, text)?.strictly()
}

/// Reads the text of a policy file as far as it can be understood; `name` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it, when nothing can be said beyond that.
pub fn salvage(name: &str, text: &str) -> Result<Salvage, Report> {
    if text.len() > FILE_BYTES_MAX {
        return Err(Report::of_file(name, too_long()));
    }
    let source = Arc::new(Source::new(name, text));
    let mut mistakes = Mistakes::new();
    let Some(mut tree) = tree::build(&source, &mut mistakes) else {
        let hidden = redact::spans_of_text(&source);
        return Err(mistakes.report(source, Severity::Error, hidden));
    };
    let file = tree.salvage(tree.root(), &Path::Root, &mut mistakes, |reader| {
        <raw::File as serde::Deserialize>::deserialize(reader)
    });
    let Some(file) = file else {
        return Err(tree.report(mistakes, Severity::Error));
    };
    let chains = chains::read(&mut tree, &file, &mut mistakes);
    Ok(Salvage {
        raw: Raw {
            tree: Arc::new(tree),
            file,
            chains,
        },
        mistakes,
    })
}

/// The text of a policy file.
///
/// # Errors
/// Why it cannot be read at all.
pub fn text(path: &std::path::Path) -> Result<String, Report> {
    let name = path.display().to_string();
    let fail = |mistake| Report::of_file(&name, mistake);
    let length = std::fs::metadata(path)
        .map_err(|error| fail(unreadable(&error)))?
        .len();
    if length > FILE_BYTES_MAX as u64 {
        return Err(fail(too_long()));
    }
    let bytes = std::fs::read(path).map_err(|error| fail(unreadable(&error)))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        fail(Mistake::of_file(format!(
            "the file is not UTF-8: line {line}, byte {at}"
        )))
    })
}

// === impl Salvage ===

impl Salvage {
    /// The file, if there are no mistakes.
    ///
    /// # Errors
    /// The mistakes.
    pub fn strictly(self) -> Result<Raw, Report> {
        match self.mistakes.is_empty() {
            true => Ok(self.raw),
            false => Err(self.raw.tree.report(self.mistakes, Severity::Error)),
        }
    }
}

fn too_long() -> Mistake {
    Mistake::of_file(format!("the file is longer than {FILE_BYTES_MAX} bytes"))
}

fn unreadable(error: &std::io::Error) -> Mistake {
    match error.kind() {
        std::io::ErrorKind::NotFound => Mistake::of_file("there is no such file")
            .hint("start from conf/minimal.yaml, or name another with `--config`"),
        _ => Mistake::of_file(format!("the file cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests;
