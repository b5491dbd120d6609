//! The README's tables say what the program does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use qlara_exporter::exposition::FAMILIES;
use qlara_exporter::gateway::fields;
use serde_json::json;

use crate::harness::process::{exporter, run};
use crate::harness::scrape::Scrape;
use crate::harness::{API_KEY, Setup};

const README: &str = include_str!("../README.md");

/// A scrape in which every metric has a sample.
pub async fn full_scrape() -> Scrape {
    let directory = tempfile::tempdir().expect("a folder");
    let key = directory.path().join("key");
    std::fs::write(&key, API_KEY).expect("a file");
    let yaml = format!(
        "phone_number: show\naccounts: [{{name: a, api_key_file: {}, expected: [{{platform: facebook, profile: x}}]}}]",
        key.display()
    );
    let profiles = json!([{
        "platform": "facebook", "profileId": "p", "username": "u", "name": "n", "status": "CONNECTED",
        "tokenExpiresAt": "2026-06-15T00:00:00+02:00", "connectedAt": "2026-01-10T14:30:00+01:00",
        "phoneNumber": "+393491234567", "pageId": "1", "category": "c", "permissions": ["pages_messaging"],
        "lastActivityAt": "2026-04-09T12:00:00+02:00", "linkedAccounts": [{"id": "l", "name": "n"}],
    }]);
    let stack = Setup::yaml(&yaml).with_profiles(profiles).await;
    stack.scrape().await
}

/// The table of metrics as a scrape shows them.
fn table(scrape: &Scrape) -> String {
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut families: Vec<(&str, &str)> = Vec::new();
    let mut types = BTreeMap::new();
    for line in scrape.text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            families.push(help.split_once(' ').expect("a text"));
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            types.insert(name, kind);
        } else if let (Some((name, _)), Some((_, set))) = (families.last(), line.split_once('{')) {
            // Every label of these samples starts after a brace or a comma and ends before `="`.
            let names = set
                .split("=\"")
                .map(|piece| piece.rsplit(['"', ',', '{']).next().expect("a piece"));
            let names = names.filter(|name| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            });
            labels.entry(name).or_default().extend(names);
        }
    }
    let mut table =
        String::from("| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    for (name, help) in families {
        let labels: Vec<String> = labels
            .remove(name)
            .unwrap_or_default()
            .into_iter()
            .filter(|label| *label != "le")
            .map(|label| format!("`{label}`"))
            .collect();
        let labels = labels.join(", ");
        table.push_str(&format!(
            "| `{name}` | {} | {labels} | {help} |\n",
            types[name]
        ));
    }
    table
}

#[tokio::test]
async fn the_table_of_metrics_is_that_of_the_code() {
    let scrape = full_scrape().await;
    let table = table(&scrape);
    for family in FAMILIES {
        assert!(
            table.contains(&format!("| `{}` | gauge |", family.name)),
            "{}",
            family.name
        );
    }
    assert!(
        README.contains(&table),
        "the README should have this table:\n\n{table}"
    );
}

/// `docs/gateway.md` shows the table by which answers are read.
#[test]
fn the_table_of_fields_is_that_of_the_code() {
    let mut expected = String::from(
        "| key in `gateway.fields` | names in the answer | type | read from | if absent |\n| --- | --- | --- | --- | --- |\n",
    );
    for row in &fields::TABLE {
        let names: Vec<String> = row.names.iter().map(|name| format!("`{name}`")).collect();
        expected.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            row.key,
            names.join(", "),
            row.kind,
            row.answer.as_str(),
            row.when_absent
        ));
    }
    assert!(
        include_str!("../docs/gateway.md").contains(&expected),
        "docs/gateway.md should have this table:\n\n{expected}"
    );
}

#[test]
fn the_flags_of_the_readme_exist() {
    let help = [
        "",
        "check",
        "explain",
        "demo",
        "simulate",
        "healthcheck",
        "hash-password",
        "generate",
    ]
    .map(|command| {
        let arguments = [command, "--help"];
        run(exporter().args(arguments.iter().filter(|word| !word.is_empty()))).1
    });
    let help = help.concat();
    let flags = README
        .split(|char: char| !(char.is_ascii_lowercase() || matches!(char, '-' | '.')))
        .filter(|word| word.starts_with("--") && word.len() > 3);
    let mut found = 0;
    for flag in flags.filter(|flag| {
        README.contains(&format!("`{flag}")) || README.contains(&format!("demo {flag}"))
    }) {
        assert!(help.contains(flag.trim_end_matches('.')), "{flag}");
        found += 1;
    }
    assert!(found > 5, "{found} flags found");
}

#[test]
fn the_configurations_of_the_readme_are_good() {
    let directory = tempfile::tempdir().expect("a folder");
    let place = directory.path();
    let mut blocks = README
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("an end of the block").0);
    let prometheus = place.join("prometheus.yml");
    std::fs::write(&prometheus, blocks.next().expect("a scrape configuration")).expect("a file");
    let (code, output, error) = run(Command::new("promtool")
        .args(["check", "config"])
        .arg(&prometheus));
    assert_eq!(code, 0, "{output}{error}");

    let own = blocks
        .next()
        .expect("a configuration file")
        .replace("/run/secrets/", "");
    let ca = rcgen::generate_simple_self_signed(["gateway".to_owned()]).expect("a certificate");
    for (name, content) in [
        ("qlara.yml", own.as_str()),
        ("brandco", "key"),
        ("other", "key"),
        ("ca.pem", &ca.cert.pem()),
    ] {
        std::fs::write(place.join(name), content).expect("a file");
    }
    let check = run(exporter()
        .args(["--config.check", "--config.file"])
        .arg(place.join("qlara.yml"))
        .env("BRANDCO_TRIAL_KEY", "key"));
    assert_eq!(
        check,
        (
            0,
            "The configuration is good: 3 accounts\n".to_owned(),
            String::new()
        )
    );
}

/// Every text, by its path from here.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
    for folder in ["docs", "docs/runbooks"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("a folder");
        let names = entries.map(|entry| Path::new(folder).join(entry.expect("a file").file_name()));
        documents.extend(names.filter(|name| name.extension().is_some_and(|end| end == "md")));
    }
    documents
}

/// The number of cells that GitHub sees in a row. A pipe separates cells in a code span, too, unless a backslash stands
/// before it.
fn cells(row: &str) -> usize {
    let row = row.trim();
    let inner = row.strip_prefix('|').unwrap_or(row);
    let is_escaped = |at: usize| inner[..at].ends_with('\\');
    let pipes = inner.match_indices('|').filter(|(at, _)| !is_escaped(*at));
    let closed = inner.ends_with('|') && !inner.ends_with("\\|");
    pipes.count() + usize::from(!closed)
}

/// GitHub drops the cells that a row has beyond its header.
#[test]
fn every_row_of_a_table_has_as_many_cells_as_its_header() {
    for (row, number) in [
        ("| a | b |", 2),
        ("| a | `b|c` |", 3),
        (r"| a | `b\|c` |", 2),
        ("| | |", 2),
        ("| a | b", 2),
        (r"| a | b \|", 2),
    ] {
        assert_eq!(cells(row), number, "{row}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut rows = 0;
    for document in documents() {
        let text = std::fs::read_to_string(root.join(&document)).expect("a text");
        let mut in_code = false;
        // The cells of the header, and how many of the table's lines were before this one.
        let mut table: Option<(usize, usize)> = None;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            in_code ^= line.starts_with("```");
            if in_code || !line.starts_with('|') {
                table = None;
                continue;
            }
            let (header, before) = table.unwrap_or((cells(line), 0));
            let place = format!("{}:{}: {line}", document.display(), number + 1);
            assert_eq!(cells(line), header, "{place}");
            if before == 1 {
                assert!(line.starts_with("| ---"), "no table: {place}");
            }
            table = Some((header, before + 1));
            rows += 1;
        }
    }
    assert!(rows > 400, "{rows} rows found");
}

/// Where a link of a text leads, by its path from here.
fn target(document: &Path, link: &str) -> PathBuf {
    let mut target = document.parent().expect("a folder").to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => assert!(target.pop(), "{link}"),
            part => target.push(part),
        }
    }
    target
}

#[test]
fn every_link_leads_to_a_file_that_the_package_has_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let assets = include_str!("../Cargo.toml").lines();
    let assets: Vec<[String; 3]> = assets
        .filter_map(|line| serde_json::from_str(line.trim().trim_end_matches(',')).ok())
        .collect();
    let installed = |path: &Path| {
        assets.iter().any(|[source, place, _]| {
            let folder = source.split('*').next().expect("a path");
            match place.strip_prefix("usr/share/doc/qlara-exporter/") {
                Some("") => path == Path::new(source),
                Some(place) => place == folder && path.starts_with(folder),
                None => false,
            }
        })
    };
    let mut links = 0;
    for document in documents() {
        let text = std::fs::read_to_string(root.join(&document)).expect("a text");
        let ends = text.split("](").skip(1);
        let targets = ends.map(|rest| rest.split([')', '#']).next().expect("a link"));
        for link in targets.filter(|link| !link.is_empty() && !link.contains("://")) {
            let target = target(&document, link);
            let place = format!("{}: {link}", document.display());
            assert!(root.join(&target).exists(), "{place} leads nowhere");
            assert!(installed(&target), "{place} is not in the package");
            links += 1;
        }
    }
    assert!(links > 100, "{links} links found");
}

/// What a manifest names in those of its sections of dependencies that are asked for.
fn dependencies(manifest: &str, is_asked_for: impl Fn(&str) -> bool) -> BTreeSet<&str> {
    let mut section = "";
    let mut named = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && is_asked_for(section) {
            named.extend(line.split_once(" = ").map(|(name, _)| name));
        }
    }
    named
}

/// The tables say of each crate why it is there, and name no other.
#[test]
fn the_dependencies_of_the_documentation_are_those_of_the_manifests() {
    let is_for_tests = |section: &str| section.contains("dev-dependencies]");
    let manifest = include_str!("../Cargo.toml");
    let program = dependencies(manifest, |section| !is_for_tests(section));
    let mut tests = dependencies(manifest, is_for_tests);
    tests.extend(dependencies(include_str!("../fuzz/Cargo.toml"), |_| true));
    tests.remove(env!("CARGO_PKG_NAME"));
    let text = include_str!("../docs/dependencies.md");
    let told = |table: &str| -> Vec<String> {
        let cells = column(text, table).into_iter();
        cells.map(|(_, name)| name.replace('`', "")).collect()
    };
    assert_eq!(told("crate"), Vec::from_iter(program.iter().copied()));
    let further: Vec<&str> = tests.difference(&program).copied().collect();
    assert_eq!(told("crate of the tests"), further);
}

/// Whether `cargo test --test promises -- NAME` finds this very test.
fn is_a_test(name: &str) -> bool {
    let Some((module, function)) = name.rsplit_once("::") else {
        return false;
    };
    let file = format!("tests/{}.rs", module.replace("::", "/"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
    let is_attribute = |line: &&str| line.starts_with("#[");
    let head = format!("fn {function}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let attributes = lines[..at].iter().rev().copied().take_while(is_attribute);
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.starts_with(&head) && attributes.into_iter().any(|line| line.contains("test"))
    })
}

/// The rows of all tables that have a column of this name, with what stands in it.
fn column<'a>(text: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let cells = |row: &'a str| row.trim_matches('|').split('|').map(str::trim);
    let mut place = None;
    let mut found = Vec::new();
    let mut before = "";
    for line in text.lines() {
        let is_row = line.starts_with('|');
        if is_row && !before.starts_with('|') {
            place = cells(line).position(|cell| cell == name);
        } else if let (true, Some(place)) = (is_row && !line.starts_with("| ---"), place) {
            found.push((line, cells(line).nth(place).unwrap_or_default()));
        }
        before = line;
    }
    found
}

#[test]
fn every_row_of_the_reliability_tables_names_tests_that_exist() {
    for wrong in ["server::nothing", "server::connect", "nowhere::x", "x"] {
        assert!(!is_a_test(wrong), "{wrong}");
    }
    let text = include_str!("../docs/reliability.md");
    let rows = column(text, "test");
    assert!(rows.len() > 100, "{} rows", rows.len());
    for (row, tests) in rows {
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            assert!(is_a_test(name), "{name} is no test: {row}");
        }
    }
}
