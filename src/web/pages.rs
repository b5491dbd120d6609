//! Everything that is not a scrape.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;

use super::App;
use crate::build;

pub(super) async fn healthy() -> &'static str {
    "qlara-exporter is Healthy.\n"
}

pub(super) async fn ready() -> &'static str {
    "qlara-exporter is Ready.\n"
}

pub(super) async fn index(State(app): State<Arc<App>>) -> Html<String> {
    let links = [
        ("Metrics", app.options.telemetry_path.as_str()),
        ("Health", "/-/healthy"),
        ("Readiness", "/-/ready"),
    ];
    let items: String = links
        .iter()
        .map(|(text, path)| {
            let path = escaped(&format!("{}{path}", app.options.external_path));
            format!("<li><a href=\"{path}\">{text}</a></li>\n")
        })
        .collect();
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>Qlara exporter</title>\n</head>\n<body>\n<h1>Qlara exporter</h1>\n\
         <p>Prometheus exporter for the social profiles connected to the Qlara messaging gateway.</p>\n\
         <p>Version {} (revision {})</p>\n<ul>\n{items}</ul>\n</body>\n</html>\n",
        build::VERSION,
        build::REVISION,
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}
