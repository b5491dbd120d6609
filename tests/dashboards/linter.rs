//! The rules of <https://github.com/grafana/dashboard-linter>, checked for every type of panel.

use super::{Dashboard, each_panel, each_selector, list, text};

const DATA_SOURCE: &str = "${datasource}";

/// The linter's units that suit the exporter's metrics.
const UNITS: [&str; 8] = [
    "bytes",
    "dateTimeFromNow",
    "dtdhms",
    "none",
    "percentunit",
    "reqps",
    "s",
    "short",
];

#[test]
fn dashboards_are_not_editable() {
    for dashboard in Dashboard::all() {
        assert_eq!(dashboard.json["editable"], false, "{}", dashboard.name());
    }
}

#[test]
fn template_datasource_rule() {
    for dashboard in Dashboard::all() {
        let variable = dashboard.variable("datasource");
        assert_eq!(variable["type"], "datasource");
        assert_eq!(variable["query"], "prometheus");
        assert_eq!(variable["label"], "Data source");
    }
}

#[test]
fn template_job_and_instance_rules() {
    for dashboard in Dashboard::all() {
        for (name, label) in [("job", "Job"), ("instance", "Instance")] {
            let variable = dashboard.variable(name);
            assert_eq!(variable["type"], "query");
            assert_eq!(variable["label"], label);
            assert_eq!(variable["multi"], true);
        }
        assert_eq!(dashboard.variable("job")["allValue"], ".+");
        // `.+`, which the linter wants for instances, would hide series without the label: those of the recording
        // rules have no `instance`, those of the default account no `account`.
        assert_eq!(dashboard.variable("instance")["allValue"], ".*");
        assert_eq!(dashboard.variable("account")["allValue"], ".*");
    }
}

#[test]
fn template_label_promql_and_on_time_change_reload_rules() {
    for dashboard in Dashboard::all() {
        let variables = dashboard.variables().iter();
        for variable in variables.filter(|variable| variable["type"] == "query") {
            let name = format!("{}: {}", dashboard.name(), variable["name"]);
            assert_eq!(variable["datasource"]["uid"], DATA_SOURCE, "{name}");
            assert_eq!(variable["refresh"], 2, "{name}");
            assert_eq!(variable["definition"], variable["query"]["query"], "{name}");
        }
        // `variable_queries` panics on functions other than label_values and query_result.
        assert!(dashboard.variable_queries().len() >= 3);
    }
}

#[test]
fn panel_datasource_rule() {
    each_panel(|place, panel| {
        assert_eq!(panel["datasource"]["uid"], DATA_SOURCE, "{place}");
        for target in list(&panel["targets"]) {
            assert_eq!(target["datasource"]["uid"], DATA_SOURCE, "{place}");
        }
    });
}

#[test]
fn panel_title_description_rule() {
    each_panel(|place, panel| {
        for field in ["title", "description"] {
            let filled = panel[field].as_str().is_some_and(|text| !text.is_empty());
            assert!(filled, "{place} has no {field}");
        }
    });
}

#[test]
fn panel_units_rule() {
    each_panel(|place, panel| {
        let unit = &panel["fieldConfig"]["defaults"]["unit"];
        assert!(
            UNITS.contains(&text(unit)),
            "{place} has no unit that the linter knows: {unit}"
        );
    });
}

#[test]
fn panel_no_targets_rule() {
    each_panel(|place, panel| {
        let targets = list(&panel["targets"]);
        assert!(!targets.is_empty(), "{place} has no query");
        for target in targets {
            assert_ne!(text(&target["expr"]), "", "{place}");
        }
    });
}

#[test]
fn target_job_and_instance_rules() {
    each_selector(|place, selector| {
        for matcher in [r#"job=~"$job""#, r#"instance=~"$instance""#] {
            assert!(
                selector.matchers.contains(&matcher),
                "{matcher} is missing in {place}"
            );
        }
    });
}

#[test]
fn target_rate_interval_and_counter_agg_rules() {
    each_selector(|place, selector| {
        let rated = ["rate", "irate", "increase"].contains(&selector.function);
        assert_eq!(
            rated,
            selector.range == Some("$__rate_interval"),
            "rate and increase need [$__rate_interval]: {place}"
        );
        let counter = ["_total", "_bucket"].iter();
        if counter
            .clone()
            .any(|suffix| selector.metric.ends_with(suffix))
        {
            assert!(rated, "a counter without rate or increase: {place}");
        }
    });
}
