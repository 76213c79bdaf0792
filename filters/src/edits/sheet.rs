//! The memory of a head's edits: lines and names in one piece, and a list of where they lie.

use crate::edits::Added;
use crate::names::mark;
use smallvec::SmallVec;

/// Bytes of the lines that are usually added to a head: more are found when they are needed.
const TEXT_BYTES_COMMON: usize = 512;

/// Edits as they lie in memory.
#[derive(Clone, Default)]
pub(super) struct Sheet {
    /// Lines to be added, and names that are taken.
    text: Vec<u8>,
    entries: SmallVec<[Entry; 16]>,
    /// [Marks](mark) of the names that are taken.
    taken: u64,
    /// Marks of the names of the lines that are added.
    added: u64,
    /// Some prefix is taken.
    has_prefix: bool,
    /// Names with an underscore are taken.
    underscored: bool,
}

/// One edit.
#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    /// Where its name or prefix ends.
    name_end: u32,
    /// Where its line ends.
    end: u32,
    takes: Takes,
    /// It is a line to be added, and no later edit took it away.
    adds: bool,
}

/// What an edit takes away from the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Name,
    Prefix,
}

/// The lines that a sheet adds, if there is one.
#[inline]
pub(super) fn added(sheet: Option<&Sheet>) -> impl Iterator<Item = Added<'_>> {
    let (entries, text) = sheet.map_or((&[][..], &[][..]), |sheet| (&sheet.entries, &sheet.text));
    entries.iter().filter(|entry| entry.adds).map(|entry| {
        let line = &text[entry.start as usize..entry.end as usize];
        let name_bytes = (entry.name_end - entry.start) as usize;
        Added {
            name: &line[..name_bytes],
            value: &line[name_bytes + 2..line.len() - 2],
            line,
        }
    })
}

// === impl Sheet ===

impl Sheet {
    /// An empty sheet.
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            text: Vec::with_capacity(TEXT_BYTES_COMMON),
            ..Self::default()
        })
    }

    pub(super) fn remove(&mut self, name: &[u8]) {
        self.drop_added(name);
        self.take(name, Takes::Name);
    }

    pub(super) fn remove_prefix(&mut self, prefix: &[u8]) {
        self.retain_added(|name| !name.starts_with(prefix));
        self.take(prefix, Takes::Prefix);
    }

    pub(super) fn remove_underscored(&mut self) {
        self.retain_added(|name| !name.contains(&b'_'));
        self.underscored = true;
    }

    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) {
        self.drop_added(name);
        self.taken |= mark(name);
        self.add(name, value, Takes::Name);
    }

    pub(super) const fn sets_any(&self) -> bool {
        self.taken != 0
    }

    /// Sets what another sheet sets, each name once.
    pub(super) fn set_all(&mut self, other: &Self) {
        if self.added & other.taken != 0 {
            for entry in &other.entries {
                self.drop_added(other.name_of(entry));
            }
        }
        let base = self.end();
        self.text.extend_from_slice(&other.text);
        self.entries.extend(other.entries.iter().map(|entry| Entry {
            start: base + entry.start,
            name_end: base + entry.name_end,
            end: base + entry.end,
            ..*entry
        }));
        self.taken |= other.taken;
        self.added |= other.added;
    }

    pub(super) fn append(&mut self, name: &[u8], value: &[u8]) {
        self.add(name, value, Takes::Nothing);
    }

    /// Takes names from the message, and leaves alone what is added.
    pub(super) fn take(&mut self, name: &[u8], takes: Takes) {
        match takes {
            Takes::Nothing => return,
            Takes::Name => self.taken |= mark(name),
            Takes::Prefix => self.has_prefix = true,
        }
        let start = self.end();
        self.text.extend_from_slice(name);
        let end = self.end();
        self.entries.push(Entry {
            start,
            name_end: end,
            end,
            takes,
            adds: false,
        });
    }

    /// Whether the message's lines of this name go, in any spelling.
    #[inline]
    pub(super) fn takes(&self, name: &[u8]) -> bool {
        let may_go = self.taken & mark(name) != 0 || self.has_prefix;
        may_go && self.names(name) || self.underscored && name.contains(&b'_')
    }

    fn add(&mut self, name: &[u8], value: &[u8], takes: Takes) {
        self.added |= mark(name);
        let start = self.end();
        self.text.reserve(name.len() + value.len() + 4);
        self.text.extend_from_slice(name);
        let name_end = self.end();
        self.text.extend_from_slice(b": ");
        self.text.extend_from_slice(value);
        self.text.extend_from_slice(b"\r\n");
        self.entries.push(Entry {
            start,
            name_end,
            end: self.end(),
            takes,
            adds: true,
        });
    }

    /// Whether some edit takes this very name.
    fn names(&self, name: &[u8]) -> bool {
        self.entries.iter().any(|entry| {
            let taken = self.name_of(entry);
            match entry.takes {
                Takes::Nothing => false,
                Takes::Name => name.eq_ignore_ascii_case(taken),
                Takes::Prefix => name
                    .get(..taken.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(taken)),
            }
        })
    }

    /// Adds no more the lines of this name so far.
    fn drop_added(&mut self, name: &[u8]) {
        if self.added & mark(name) != 0 {
            self.retain_added(|added| added != name);
        }
    }

    fn retain_added(&mut self, keep: impl Fn(&[u8]) -> bool) {
        for at in 0..self.entries.len() {
            let entry = &self.entries[at];
            if entry.adds && !keep(self.name_of(entry)) {
                self.entries[at].adds = false;
            }
        }
    }

    fn name_of(&self, entry: &Entry) -> &[u8] {
        &self.text[entry.start as usize..entry.name_end as usize]
    }

    /// Bytes so far: heads are bounded far below what 32 bits hold.
    fn end(&self) -> u32 {
        u32::try_from(self.text.len()).expect("edits are bounded as heads are")
    }
}
