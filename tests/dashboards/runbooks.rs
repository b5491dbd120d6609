//! The links to runbooks, and the list of alerts.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Dashboard, each_panel, text};
use crate::alerting::repository;
use crate::harness::process::run;

/// The address of the runbooks until an operator sets the own one.
const PLACEHOLDER: &str = "https://example.com/qlara-exporter/docs/runbooks/";

/// Every address with this beginning, anywhere inside.
fn runbooks(json: &Value) -> Vec<&str> {
    match json {
        Value::String(text) => text.strip_prefix(PLACEHOLDER).into_iter().collect(),
        Value::Array(values) => values.iter().flat_map(runbooks).collect(),
        Value::Object(fields) => fields.values().flat_map(runbooks).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_link_to_a_runbook_has_a_page() {
    for dashboard in Dashboard::all() {
        let pages = runbooks(&dashboard.json);
        assert!(pages.len() > 8, "{pages:?}");
        for page in pages {
            let file = repository("docs/runbooks").join(page);
            assert!(file.is_file(), "{}: {page}", dashboard.name());
        }
        assert_eq!(runbooks(&dashboard.json["links"]), ["README.md"]);
    }
}

#[test]
fn every_number_at_the_top_has_a_runbook() {
    each_panel(|place, panel| {
        if panel["type"] == "stat" {
            let links = runbooks(&panel["fieldConfig"]["defaults"]["links"]);
            assert_eq!(links.len(), 1, "{place}");
        }
    });
}

#[test]
fn documented_sed_command_sets_the_address_of_the_runbooks() {
    let documentation = std::fs::read_to_string(repository("docs/dashboards.md")).expect("a text");
    let (_, command) = documentation.split_once("`sed -i ").expect("a command");
    let command = format!("sed -i {}", command.split('`').next().expect("an end"));
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |file: &Path| folder.path().join(file.file_name().expect("a name"));
    let dashboards = Dashboard::all();
    for dashboard in &dashboards {
        std::fs::copy(&dashboard.file, copy(&dashboard.file)).expect("a copy");
    }
    let mut shell = Command::new("sh");
    let (code, _, error) = run(shell.current_dir(folder.path()).args(["-c", &command]));
    assert_eq!(code, 0, "{error}");
    for dashboard in &dashboards {
        let before = runbooks(&dashboard.json).len();
        let edited = std::fs::read_to_string(copy(&dashboard.file)).expect("UTF-8");
        assert_eq!(edited.matches("\"https://YOUR.ADDRESS/").count(), before);
        assert!(!edited.contains(PLACEHOLDER), "{}", dashboard.name());
    }
}

#[test]
fn alert_lists_show_firing_alerts_of_the_exporter() {
    for dashboard in Dashboard::all() {
        let panels = dashboard.panels();
        let mut lists = panels.iter().filter(|panel| panel["type"] == "alertlist");
        let options = &lists.next().expect("an alert list")["options"];
        let filter = text(&options["alertInstanceLabelFilter"]);
        assert!(filter.starts_with(r#"{alertname=~"Qlara.+""#), "{filter}");
        assert_eq!(options["stateFilter"]["firing"], true);
        assert_eq!(options["stateFilter"]["pending"], false);
    }
}
