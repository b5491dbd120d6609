//! The dashboards are valid, follow Grafana's dashboard linter, and have data in every panel.

mod appearance;
mod expression;
mod linter;
mod live;
mod outage;
mod palette;
mod replicas;
mod runbooks;
pub mod thresholds;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::alerting::{repository, yaml};
use crate::documentation::full_scrape;
use expression::{Selector, grouping_labels, selectors};
pub use live::grafana;

/// Metrics that Prometheus itself writes for each target and each alert.
const OF_PROMETHEUS: [&str; 3] = ["up", "scrape_duration_seconds", "ALERTS"];

/// A query of a panel, a variable or an annotation, and its location.
struct Query {
    place: String,
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// One value, now.
    Instant,
    /// A value for each step of the dashboard's time.
    Range,
    /// The values of a variable.
    Variable,
}

struct Dashboard {
    file: PathBuf,
    json: Value,
}

impl Dashboard {
    fn all() -> Vec<Dashboard> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
        let entries = std::fs::read_dir(folder).expect("the dashboards");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
        files.retain(|file| {
            file.extension()
                .is_some_and(|extension| extension == "json")
        });
        files.sort();
        assert!(!files.is_empty(), "no dashboards");
        let read = |file: PathBuf| {
            let text = std::fs::read_to_string(&file).expect("UTF-8");
            let json = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            Dashboard { file, json }
        };
        files.into_iter().map(read).collect()
    }

    fn name(&self) -> String {
        let stem = self.file.file_stem().expect("a name");
        stem.to_string_lossy().into_owned()
    }

    /// Every row and panel, including those in collapsed rows.
    fn panels(&self) -> Vec<&Value> {
        let mut panels = Vec::new();
        for panel in list(&self.json["panels"]) {
            panels.push(panel);
            panels.extend(panel["panels"].as_array().into_iter().flatten());
        }
        panels
    }

    /// Every panel with queries. An alert list reads the alerts from Grafana.
    fn data_panels(&self) -> Vec<&Value> {
        let mut panels = self.panels();
        panels.retain(|panel| panel["type"] != "row" && panel["type"] != "alertlist");
        panels
    }

    fn variables(&self) -> &Vec<Value> {
        list(&self.json["templating"]["list"])
    }

    fn variable(&self, name: &str) -> &Value {
        let found = self.variables().iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("{} has no variable {name}", self.name()))
    }

    fn panel_queries(&self) -> Vec<Query> {
        let mut queries = Vec::new();
        for panel in self.data_panels() {
            for target in list(&panel["targets"]) {
                queries.push(Query {
                    place: format!("{}: {}", self.name(), text(&panel["title"])),
                    text: text(&target["expr"]).to_owned(),
                    kind: match target["instant"] {
                        Value::Bool(true) => Kind::Instant,
                        _ => Kind::Range,
                    },
                });
            }
        }
        queries
    }

    fn annotation_queries(&self) -> Vec<Query> {
        let annotations = list(&self.json["annotations"]["list"]).iter();
        // Grafana's built-in annotation queries Grafana itself.
        let own = annotations.filter(|annotation| annotation["builtIn"] != 1);
        own.map(|annotation| Query {
            place: format!("{}: annotation {}", self.name(), text(&annotation["name"])),
            text: text(&annotation["expr"]).to_owned(),
            kind: Kind::Range,
        })
        .collect()
    }

    fn variable_queries(&self) -> Vec<Query> {
        let variables = self.variables().iter();
        variables
            .filter(|variable| variable["type"] == "query")
            .map(|variable| {
                let query = text(&variable["query"]["query"]);
                let inner = match query.strip_prefix("label_values(") {
                    Some(inner) => inner.rsplit_once(',').expect("a label").0,
                    None => query
                        .strip_prefix("query_result(")
                        .and_then(|inner| inner.strip_suffix(')'))
                        .unwrap_or_else(|| panic!("{}: {query}", self.name())),
                };
                Query {
                    place: format!("{}: variable {}", self.name(), text(&variable["name"])),
                    text: inner.to_owned(),
                    kind: Kind::Variable,
                }
            })
            .collect()
    }

    fn queries(&self) -> Vec<Query> {
        let mut queries = self.panel_queries();
        queries.extend(self.annotation_queries());
        queries.extend(self.variable_queries());
        queries
    }
}

fn list(value: &Value) -> &Vec<Value> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
}

fn text(value: &Value) -> &str {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("no text: {value}"))
}

/// Runs a check on every panel with data, with the panel's location.
fn each_panel(check: impl Fn(&str, &Value)) {
    for dashboard in Dashboard::all() {
        for panel in dashboard.data_panels() {
            check(&format!("{}: {}", dashboard.name(), panel["title"]), panel);
        }
    }
}

/// Runs a check on every selector of every panel.
fn each_selector(check: impl Fn(&str, &Selector)) {
    for dashboard in Dashboard::all() {
        for query in dashboard.panel_queries() {
            for selector in selectors(&query.text) {
                check(&format!("{}: {}", query.place, query.text), &selector);
            }
        }
    }
}

#[test]
fn uid_matches_the_file_and_the_schema_suits_the_oldest_grafana() {
    for dashboard in Dashboard::all() {
        let json = &dashboard.json;
        assert_eq!(json["uid"], dashboard.name());
        // A numeric id would overwrite another dashboard in the user's Grafana.
        assert_eq!(json["id"], Value::Null);
        // The latest schema version that Grafana 10 knows; later versions read it too.
        assert_eq!(json["schemaVersion"], 39);
        assert_ne!(text(&json["title"]), "");
        assert_ne!(text(&json["description"]), "");
    }
}

#[test]
fn panel_ids_are_unique() {
    for dashboard in Dashboard::all() {
        let mut titles = BTreeMap::new();
        for panel in dashboard.panels() {
            let id = panel["id"].as_u64().expect("an id");
            if let Some(other) = titles.insert(id, &panel["title"]) {
                panic!(
                    "{}: {other} and {} have the id {id}",
                    dashboard.name(),
                    panel["title"]
                );
            }
        }
    }
}

#[test]
fn panels_are_on_the_grid_and_do_not_overlap() {
    for dashboard in Dashboard::all() {
        let mut cells = BTreeMap::new();
        // The panels of a collapsed row overlap other panels while the row is closed.
        for panel in list(&dashboard.json["panels"]) {
            let side = |name: &str| panel["gridPos"][name].as_u64().expect("a length");
            let (columns, rows) = (side("x")..side("x") + side("w"), side("y")..);
            assert!(columns.end <= 24, "{}", panel["title"]);
            for cell in rows
                .take(side("h") as usize)
                .flat_map(|y| columns.clone().map(move |x| (x, y)))
            {
                if let Some(other) = cells.insert(cell, &panel["title"]) {
                    panic!(
                        "{}: {} overlaps {other} at {cell:?}",
                        dashboard.name(),
                        panel["title"]
                    );
                }
            }
        }
        assert!(!cells.is_empty(), "{} is empty", dashboard.name());
    }
}

#[tokio::test]
async fn every_dashboard_metric_exists() {
    let scrape = full_scrape().await;
    let samples = scrape
        .text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next());
    let rules = yaml(&repository("alerts/qlara.rules.yml"));
    let groups = list(&rules["groups"]).iter();
    let rules = groups.flat_map(|group| list(&group["rules"]));
    let recorded = rules.filter_map(|rule| rule["record"].as_str());
    let known: BTreeSet<&str> = samples.chain(recorded).chain(OF_PROMETHEUS).collect();
    for query in Dashboard::all().iter().flat_map(Dashboard::queries) {
        for selector in selectors(&query.text) {
            assert!(
                known.contains(selector.metric),
                "{}: no metric {:?} in {}",
                query.place,
                selector.metric,
                query.text
            );
        }
    }
}

/// With "All" jobs, `up` and other common metrics come from everything that Prometheus scrapes.
#[test]
fn generic_metrics_are_filtered_by_job() {
    let mut found = 0;
    for query in Dashboard::all().iter().flat_map(Dashboard::panel_queries) {
        let selectors = selectors(&query.text);
        let metrics: Vec<&str> = selectors.iter().map(|one| one.metric).collect();
        if metrics.iter().any(|metric| !metric.contains("qlara_")) {
            let narrowed = metrics.contains(&"qlara_exporter_build_info");
            assert!(narrowed, "{}: {}", query.place, query.text);
            found += 1;
        }
    }
    assert!(found > 5, "{found} such queries");
}

/// Two replicas are one profile; two accounts with one profile id are two.
#[test]
fn grouping_keeps_profiles_of_different_accounts_apart() {
    for query in Dashboard::all().iter().flat_map(Dashboard::panel_queries) {
        for labels in grouping_labels(&query.text) {
            let needed: &[&str] = if labels.contains(&"profile") {
                &["job", "account", "platform"]
            } else if labels.contains(&"platform") || labels.contains(&"account") {
                &["job", "account"]
            } else {
                &[]
            };
            for label in needed {
                assert!(
                    labels.contains(label),
                    "{}: by ({}) has no {label}",
                    query.place,
                    labels.join(", ")
                );
            }
        }
    }
}
