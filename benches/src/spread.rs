//! The middle of some figures, and how far they lie apart.

/// Median and quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Half of the figures are at most this.
    pub median: f64,
    /// A quarter of them is at most the first, a quarter at least the second.
    pub quartiles: [f64; 2],
    /// How many there are.
    pub count: usize,
}

// === impl Spread ===

impl Spread {
    /// That of these figures; `None` of none. Between two figures it is interpolated.
    #[must_use]
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&figures, 0.5)?,
            quartiles: [quantile(&figures, 0.25)?, quantile(&figures, 0.75)?],
            count: figures.len(),
        })
    }
}

fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * share;
    let [low, high] = [place.floor(), place.ceil()].map(|place| sorted[place as usize]);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_half_lies_between_the_quartiles() {
        for (figures, median, quartiles) in [
            (&[7.0][..], 7.0, [7.0, 7.0]),
            (&[4.0, 2.0], 3.0, [2.5, 3.5]),
            (&[5.0, 1.0, 3.0, 2.0, 4.0], 3.0, [2.0, 4.0]),
        ] {
            let expected = Spread {
                median,
                quartiles,
                count: figures.len(),
            };
            assert_eq!(Spread::of(figures.iter().copied()), Some(expected));
        }
        assert_eq!(Spread::of([]), None);
    }
}
