//! Medians and quartiles.

/// The median of the values.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// The quantile `part`, from 0 to 1, interpolated between neighbouring values.
pub fn quantile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let index = (values.len() - 1) as f64 * part;
    let (below, above) = (index.floor() as usize, index.ceil() as usize);
    values[below] + (values[above] - values[below]) * index.fract()
}
