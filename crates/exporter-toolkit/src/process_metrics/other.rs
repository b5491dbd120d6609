//! Fallback without `/proc`: there are no `process_*` metrics. Go's client library omits most of them there, too.

use prometheus::Registry;

pub(super) fn register(_: &Registry) -> prometheus::Result<()> {
    Ok(())
}

pub(super) fn start_time() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_metric_is_registered() {
        let registry = prometheus::Registry::new();
        super::register(&registry).expect("no conflict");
        assert!(registry.gather().is_empty());
        assert_eq!(super::start_time(), None);
    }
}
