//! The mean of a few measurements, and what it is below.

/// Student's t for 95 % on one side, by degrees of freedom from 1 on (NIST/SEMATECH e-Handbook, table 1.3.6.7.2).
const T: [f64; 30] = [
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746,
    1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697,
];

/// The mean.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// What the mean of all that could be measured is below, with a probability of 95 %; of fewer than two nothing is.
#[must_use]
pub fn mean_at_most(values: &[f64]) -> f64 {
    let (count, mean) = (values.len(), mean(values));
    let Some(freedom) = count.checked_sub(2) else { return f64::INFINITY };
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
    mean + T[freedom.min(T.len() - 1)] * (variance / count as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_above_the_mean_by_what_the_values_scatter() {
        assert!((mean_at_most(&[1.0; 10]) - 1.0).abs() < 1e-12, "what does not scatter is known");
        // Of 1, 2 and 3 the deviation is 1 and t 2.920.
        assert!((mean_at_most(&[1.0, 2.0, 3.0]) - (2.0 + 2.920 / 3_f64.sqrt())).abs() < 1e-9);
        assert!(mean_at_most(&[1.0]).is_infinite());
        let many: Vec<_> = (0..1_000).map(|number| f64::from(number % 2)).collect();
        assert!((mean_at_most(&many) - 0.5).abs() < 0.03, "more values than the table has");
    }
}
