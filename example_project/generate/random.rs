//! A small generator of repeatable numbers: the same seed gives the same data on every machine.

/// `SplitMix64` (Steele, Lea, Flood 2014). Whole numbers only, so that no platform's floating point makes a difference.
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// A stream of its own for each pair of seed and number: what one user does never depends on how many others there
    /// are, nor on how many days are made.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self { state: seed ^ stream.wrapping_mul(0xA076_1D64_78BD_642F) };
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but without, `bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product is below `bound`, so it always fits.
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or_default()
    }

    /// A number between two ends, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.below(width)).unwrap_or_default()
    }

    /// True `per_mille` times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of the choices, all as likely as each other.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// One of the choices, the first ones far more likely than the last: as fame is spread.
    pub(crate) fn pick_famous<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let place = (0..3).map(|_| self.index(choices.len())).min().unwrap_or_default();
        &choices[place]
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }
}
