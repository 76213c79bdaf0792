//! Chance that can be repeated: SplitMix64 (Steele, Lea and Flood, 2014), from a seed.

/// A source of numbers.
#[derive(Clone)]
pub(crate) struct Random(u64);

// === impl Random ===

impl Random {
    /// A source by this seed, for this use.
    pub(crate) fn new(seed: u64, part: u64) -> Self {
        let mut random = Self(seed ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Yes, so many times of a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// So many bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// A length: mostly small, now and then at a border, seldom large.
    pub(crate) fn length(&mut self) -> usize {
        match self.below(100) {
            0..40 => self.below(200),
            40..75 => self.below(5_000),
            75..90 => self.pick(&[0, 1, 15, 16, 255, 256, 4_095, 4_096, 8_191, 8_192, 8_193]),
            90..97 => 16 * 1024 - 2 + self.below(5),
            _ => self.below(64 * 1024 + 1),
        }
    }

    /// These bytes in some pieces, none of them empty.
    pub(crate) fn split(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut places: Vec<usize> = match self.below(10) {
            0..5 => Vec::new(),
            5..8 => vec![self.below(bytes.len().max(1))],
            8 => (0..8).map(|_| self.below(bytes.len().max(1))).collect(),
            _ => (0..bytes.len().min(40)).collect(),
        };
        places.push(bytes.len());
        places.sort_unstable();
        let mut from = 0;
        let mut pieces = Vec::new();
        for to in places {
            if to > from {
                pieces.push(bytes[from..to].to_vec());
                from = to;
            }
        }
        pieces
    }
}
