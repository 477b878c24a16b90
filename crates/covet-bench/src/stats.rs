//! Medians, spreads and ratios: all the statistics the reports use.

use serde::Serialize;

/// The middle of a set of measurements, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// The middle value; the mean of the two middle ones when there is an even number.
    pub median: f64,
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
}

impl Summary {
    /// Summarises `values`, in any order. `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Some(Self { median, min, max })
    }
}

/// `value / base`, or `None` when `base` is 0 and the ratio would mean nothing.
pub fn ratio(value: f64, base: f64) -> Option<f64> {
    (base != 0.0).then(|| value / base)
}

/// A count as a float, for arithmetic that ends in a table.
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{Summary, ratio};

    #[test]
    fn summaries() {
        let cases: &[(&[f64], f64, f64, f64)] = &[
            (&[3.0], 3.0, 3.0, 3.0),
            (&[2.0, 1.0], 1.5, 1.0, 2.0),
            (&[9.0, 1.0, 5.0], 5.0, 1.0, 9.0),
            (&[4.0, 1.0, 3.0, 100.0], 3.5, 1.0, 100.0),
        ];
        for &(values, median, min, max) in cases {
            assert_eq!(Summary::of(values), Some(Summary { median, min, max }), "{values:?}");
        }
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn ratio_of_nothing_is_none() {
        assert_eq!(ratio(6.0, 2.0), Some(3.0));
        assert_eq!(ratio(6.0, 0.0), None);
    }
}
