//! Each alert has a runbook, and everything that the runbooks refer to exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use qlara_exporter::gateway::fields::Field;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::process::run;
use crate::harness::tools::needs;

const METRICS: &str = include_str!("../docs/metrics.md");
const HEADINGS: [&str; 4] = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"];

/// The source text of everything that can log a line.
fn sources() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![folder.join("src"), folder.join("crates")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text += &std::fs::read_to_string(path).expect("a source file");
            }
        }
    }
    text
}

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks")
}

fn rules() -> Vec<Rule> {
    let text = include_str!("../alerts/qlara.rules.yml");
    let file: RuleFile = serde_saphyr::from_str(text).expect("a rule file");
    file.groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect()
}

fn alerts() -> BTreeMap<String, Rule> {
    let rules = rules().into_iter();
    rules
        .filter_map(|rule| Some((rule.alert.clone()?, rule)))
        .collect()
}

/// Every file of the directory including the README: name without `.md`, text.
fn documents() -> BTreeMap<String, String> {
    std::fs::read_dir(folder())
        .expect("a folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let file = path.file_name().and_then(|name| name.to_str());
            let name = file.and_then(|name| name.strip_suffix(".md"));
            let text = std::fs::read_to_string(&path).expect("a text");
            (name.expect("a page").to_owned(), text)
        })
        .collect()
}

/// The runbooks.
fn pages() -> BTreeMap<String, String> {
    let mut pages = documents();
    pages.remove("README");
    pages
}

/// The PromQL blocks, each with its first line number.
fn queries(page: &str) -> Vec<(usize, String)> {
    let mut queries: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in page.lines().enumerate() {
        match line.trim() {
            "```promql" => {
                queries.push((number + 2, String::new()));
                inside = true;
            }
            "```" => inside = false,
            text if inside => {
                let (_, query) = queries.last_mut().expect("a block");
                query.push_str(text);
                query.push('\n');
            }
            _ => {}
        }
    }
    queries
}

/// The texts between `before` and `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before)
        .skip(1)
        .map(|rest| rest.split_once(after).expect("an end").0)
        .collect()
}

/// A text without its line breaks.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_alert_has_a_runbook_and_each_runbook_an_alert() {
    let alerts = alerts();
    for (name, rule) in &alerts {
        let url = &rule.annotations["runbook_url"];
        assert!(url.ends_with(&format!("/docs/runbooks/{name}.md")), "{url}");
    }
    let pages = pages();
    assert_eq!(
        pages.keys().collect::<Vec<_>>(),
        alerts.keys().collect::<Vec<_>>()
    );
    for (name, page) in pages {
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
    }
}

#[test]
fn each_runbook_has_the_same_headings() {
    for (name, page) in pages() {
        let headings: Vec<&str> = page
            .lines()
            .skip(1)
            .filter(|line| line.starts_with('#'))
            .collect();
        assert_eq!(headings, HEADINGS, "{name}");
        let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("the Qlara dashboard"), "{name}: where to go");
    }
}

#[test]
fn table_lists_each_alert_with_severity_and_scope() {
    let readme = documents().remove("README").expect("a README");
    let mut listed = Vec::new();
    for part in readme.split("### Scope `").skip(1) {
        let (scope, rest) = part.split_once('`').expect("an end");
        for row in rest.lines().filter(|line| line.starts_with("| [")) {
            let name = between(row, "[", "]")[0];
            let severity = row.split(" | ").nth(1).expect("a severity");
            assert!(row.contains(&format!("]({name}.md)")), "{row}");
            listed.push(format!("{name}: {severity}, {scope}"));
        }
    }
    listed.sort();
    let ruled: Vec<String> = alerts()
        .iter()
        .map(|(name, rule)| {
            format!(
                "{name}: {}, {}",
                rule.labels["severity"], rule.labels["scope"]
            )
        })
        .collect();
    assert_eq!(listed, ruled);
}

#[test]
fn promtool_accepts_every_query() {
    needs!("promtool");
    let rules: Vec<Value> = documents()
        .iter()
        .flat_map(|(name, page)| {
            let rule = move |(line, query)| {
                // `or` accepts only instant vectors, so a range or a scalar is rejected too.
                let expression = format!("({query}) or vector(0)");
                json!({"record": format!("{name}:line_{line}"), "expr": expression})
            };
            queries(page).into_iter().map(rule)
        })
        .collect();
    assert!(rules.len() > 60, "{} queries found", rules.len());
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("queries.yml");
    // Every JSON text is YAML.
    let content = json!({"groups": [{"name": "runbooks", "rules": rules}]});
    std::fs::write(&file, content.to_string()).expect("a file");
    let (code, output, error) = run(Command::new("promtool").args(["check", "rules"]).arg(&file));
    assert_eq!(code, 0, "{output}{error}");
}

#[test]
fn every_named_metric_threshold_log_line_and_page_exists() {
    let recorded: BTreeSet<String> = rules().into_iter().filter_map(|rule| rule.record).collect();
    let thresholds: BTreeSet<String> = rules()
        .into_iter()
        .filter_map(|mut rule| rule.labels.remove("threshold"))
        .collect();
    let log = flowing(&sources());
    for (name, page) in documents() {
        for (line, query) in queries(&page) {
            let words = query
                .split(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | ':')));
            let prefixes = ["qlara", "job_", "process_"];
            for word in words.filter(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)))
            {
                let metric = word.trim_end_matches("_bucket");
                assert!(
                    recorded.contains(word) || METRICS.contains(&format!("| `{metric}` |")),
                    "{name}, line {line}: {word}"
                );
            }
        }
        let page = flowing(&page);
        for threshold in between(&page, "threshold=\"", "\"") {
            assert!(thresholds.contains(threshold), "{name}: {threshold}");
        }
        for message in between(&page, "msg=\"", "\"") {
            assert!(log.contains(&format!("\"{message}\"")), "{name}: {message}");
        }
        for target in between(&page, "](", ")") {
            let file = target.split('#').next().expect("a file");
            assert!(folder().join(file).is_file(), "{name}: {target}");
        }
    }
}

#[test]
fn invalid_answers_have_a_row_for_each_counted_field() {
    let page = include_str!("../docs/runbooks/QlaraAnswersInvalid.md");
    let first_cells = page.lines().filter_map(|line| line.split('|').nth(1));
    let listed: BTreeSet<&str> = first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let counted = Field::COUNTED.iter().map(|field| field.as_str());
    assert_eq!(listed, counted.collect::<BTreeSet<_>>());
}
