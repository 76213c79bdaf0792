//! Files that a filter's configuration names, such as public keys: `file:PATH`.
//!
//! Filters open nothing themselves; they ask for the text while they are built. Nothing private
//! belongs here: see `assemble/secrets.rs`.

use super::limits::NAMED_FILE_BYTES_MAX;
use super::units::FileRef;
use filters::env::Texts;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files;

impl Texts for Files {
    fn read(&self, reference: &str) -> Result<String, String> {
        let FileRef(path) = reference
            .parse()
            .map_err(|_| "what it names is not `file:PATH`".to_owned())?;
        let name = path.display();
        let text = text(&path).map_err(|error| format!("{name} cannot be read: {error}"))?;
        text.ok_or_else(|| format!("{name} is longer than {NAMED_FILE_BYTES_MAX} bytes"))
    }
}

/// A file's text; `None` when it is too long.
fn text(path: &Path) -> io::Result<Option<String>> {
    // A pipe would keep us waiting, and a device never end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    let mut file = File::open(path)?.take(NAMED_FILE_BYTES_MAX + 1);
    file.read_to_string(&mut text)?;
    Ok((text.len() as u64 <= NAMED_FILE_BYTES_MAX).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_within_its_bounds_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| format!("file:{}", folder.path().join(name).display());
        let put = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        };
        let longest = NAMED_FILE_BYTES_MAX as usize;
        put("small", b"text\n");
        put("longest", &vec![b'x'; longest]);
        put("longer", &vec![b'x'; longest + 1]);
        put("bytes", b"\xff");
        for (reference, length) in [
            (place("small"), Some(5)),
            (place("longest"), Some(longest)),
            (place("longer"), None),
            (place("bytes"), None),
            (place("missing"), None),
            (place(""), None),
            ("file:/dev/zero".to_owned(), None),
            ("file:".to_owned(), None),
            (place("small")["file:".len()..].to_owned(), None),
            ("env:HOME".to_owned(), None),
        ] {
            let read = Files.read(&reference);
            assert_eq!(read.as_ref().ok().map(String::len), length, "{reference}");
            if let Err(problem) = read {
                assert!(!problem.ends_with('.'), "{problem}");
            }
        }
    }
}
