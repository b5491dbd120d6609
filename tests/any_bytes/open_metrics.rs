//! OpenMetrics and the text format have the same samples of gauges.

/// The exposition of gauges in the text format that has the same samples as this one in OpenMetrics.
///
/// # Errors
/// If a unit is not the end of its metric's name, or the last line is missing.
pub fn text_of_gauges(open_metrics: &str) -> Result<String, String> {
    let body = open_metrics.strip_suffix("# EOF\n");
    let lines = body.ok_or("does not end with EOF")?.split_inclusive('\n');
    let mut text = String::new();
    for line in lines {
        match line.strip_prefix("# UNIT ") {
            None => text.push_str(line),
            Some(unit) => {
                let (name, unit) = unit.trim_end().split_once(' ').ok_or("no unit")?;
                let kind = format!("\n# TYPE {name} gauge\n");
                if !name.ends_with(&format!("_{unit}")) || !text.ends_with(&kind) {
                    return Err(format!("{name} has the unit {unit}"));
                }
            }
        }
    }
    Ok(text)
}
