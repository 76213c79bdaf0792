//! State as bytes, for a restart or a hand-over to another process: a mark, a version, the content,
//! and a CRC-32 of all that precedes. Numbers are little-endian.
//!
//! The checksum finds a torn or mixed-up file, not a forger: the file is the process's own.

use std::fmt;

/// Why saved bytes cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// They were saved by something else.
    Foreign,
    /// They were saved by another version.
    Version(u8),
    /// They are damaged or cut.
    Damaged,
    /// They hold more than may be remembered.
    TooLarge,
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the saved state is of another kind"),
            Self::Version(found) => write!(f, "the saved state has the unknown version {found}"),
            Self::Damaged => f.write_str("the saved state is damaged"),
            Self::TooLarge => f.write_str("the saved state holds more than may be remembered"),
        }
    }
}

impl std::error::Error for SnapshotError {}

/// Writes.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

/// Reads what [`Writer`] wrote.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl Writer {
    /// Begins with a mark and a version.
    pub(crate) fn new(mark: [u8; 4], version: u8) -> Self {
        let mut bytes = mark.to_vec();
        bytes.push(version);
        Self { bytes }
    }

    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.bytes.extend_from_slice(&bytes);
    }

    pub(crate) fn put_length(&mut self, length: usize) {
        self.put((length as u64).to_le_bytes());
    }

    /// Ends with the checksum.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let check = crc32fast::hash(&self.bytes);
        self.put(check.to_le_bytes());
        self.bytes
    }
}

impl<'a> Reader<'a> {
    /// Proves the checksum, the mark and the version.
    pub(crate) fn new(bytes: &'a [u8], mark: [u8; 4], version: u8) -> Result<Self, SnapshotError> {
        let (content, check) = bytes.split_last_chunk().ok_or(SnapshotError::Damaged)?;
        let mut reader = Self { rest: content };
        if reader.take::<4>()? != mark {
            return Err(SnapshotError::Foreign);
        }
        if crc32fast::hash(content) != u32::from_le_bytes(*check) {
            return Err(SnapshotError::Damaged);
        }
        match reader.take::<1>()? {
            [found] if found == version => Ok(reader),
            [found] => Err(SnapshotError::Version(found)),
        }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (head, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(SnapshotError::Damaged)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.take().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, SnapshotError> {
        self.take().map(u128::from_le_bytes)
    }

    /// A number of things of at least `size` bytes each, which must still be there.
    pub(crate) fn length(&mut self, size: usize) -> Result<usize, SnapshotError> {
        let length = usize::try_from(self.u64()?).map_err(|_| SnapshotError::Damaged)?;
        match length.checked_mul(size) {
            Some(bytes) if bytes <= self.rest.len() => Ok(length),
            _ => Err(SnapshotError::Damaged),
        }
    }

    /// Nothing may be left.
    pub(crate) const fn end(&self) -> Result<(), SnapshotError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(SnapshotError::Damaged)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_bytes_of_the_right_kind_are_read() {
        let mut writer = Writer::new(*b"TEST", 3);
        writer.put(7u64.to_le_bytes());
        let good = writer.finish();
        assert!(Reader::new(&good, *b"TEST", 3).is_ok());
        assert_eq!(
            Reader::new(&good, *b"ELSE", 3).err(),
            Some(SnapshotError::Foreign)
        );
        assert_eq!(
            Reader::new(&good, *b"TEST", 4).err(),
            Some(SnapshotError::Version(3))
        );
        for cut in 0..good.len() {
            assert!(Reader::new(&good[..cut], *b"TEST", 3).is_err(), "{cut}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(Reader::new(&bad, *b"TEST", 3).is_err(), "{at}");
        }
        let mut reader = Reader::new(&good, *b"TEST", 3).unwrap();
        assert_eq!(reader.end(), Err(SnapshotError::Damaged));
        assert_eq!(reader.length(1), Err(SnapshotError::Damaged));
        assert_eq!(reader.end(), Ok(()));
        assert_eq!(reader.u64(), Err(SnapshotError::Damaged));
    }
}
