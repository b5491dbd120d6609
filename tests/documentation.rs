//! The documentation's tables, links, commands and configurations agree with the program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use qlara_exporter::exposition::FAMILIES;
use qlara_exporter::gateway::fields;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::process::{exporter, run};
use crate::harness::scrape::Scrape;
use crate::harness::tools::needs;
use crate::harness::{API_KEY, Setup, Stack};

const README: &str = include_str!("../README.md");
const METRICS: &str = include_str!("../docs/metrics.md");
const CONFIGURATION: &str = include_str!("../docs/configuration.md");

/// An exporter whose scrapes have a sample of every metric, until the folder is dropped.
pub async fn full_stack() -> (Stack, TempDir) {
    let directory = TempDir::new().expect("a folder");
    let key = directory.path().join("key");
    std::fs::write(&key, API_KEY).expect("a file");
    let yaml = format!(
        "phone_number: show\ntokens_without_expiry: [{{platform: facebook}}]\naccounts: [{{name: a, api_key_file: {}, expected: [{{platform: facebook, profile: x}}]}}]",
        key.display()
    );
    let mut profiles = json!([{
        "platform": "facebook", "profileId": "p", "username": "u", "name": "n", "status": "CONNECTED",
        "tokenExpiresAt": "2026-06-15T00:00:00+02:00", "connectedAt": "2026-01-10T14:30:00+01:00",
        "phoneNumber": "+393491234567", "pageId": "1", "category": "c", "permissions": ["pages_messaging"],
        "lastActivityAt": "2026-04-09T12:00:00+02:00", "linkedAccounts": [{"id": "l", "name": "n"}],
    }]);
    let stack = Setup::yaml(&yaml).with_profiles(profiles.clone()).await;
    stack.scrape().await;
    profiles[0]["status"] = json!("DISCONNECTED");
    stack.gateway.profiles(&profiles).await;
    stack.scrape_after(61).await;
    (stack, directory)
}

/// A scrape in which every metric has a sample.
pub async fn full_scrape() -> Scrape {
    let (stack, _directory) = full_stack().await;
    stack.scrape().await
}

/// The table of metrics that a scrape implies.
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
async fn metrics_table_matches_the_code() {
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
        METRICS.contains(&table),
        "docs/metrics.md should have this table:\n\n{table}"
    );
}

/// `docs/gateway.md` shows the table of fields that are read.
#[test]
fn fields_table_matches_the_code() {
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
            row.source.as_str(),
            row.when_absent
        ));
    }
    assert!(
        include_str!("../docs/gateway.md").contains(&expected),
        "docs/gateway.md should have this table:\n\n{expected}"
    );
}

#[test]
fn flags_in_the_readme_exist() {
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

/// The blocks of YAML in a text.
fn yaml_blocks(text: &str) -> Vec<&str> {
    let rests = text.split("```yaml\n").skip(1);
    let blocks = rests.map(|rest| rest.split_once("```").expect("an end of the block").0);
    blocks.collect()
}

/// What `--config.check` prints for a configuration file. The secret files and the CA file that it names exist.
fn checked(configuration: &str) -> (i32, String, String) {
    let directory = TempDir::new().expect("a folder");
    let configuration = configuration.replace("/run/secrets/", "");
    let ca = rcgen::generate_simple_self_signed(["gateway".to_owned()]).expect("a certificate");
    for (name, content) in [
        ("qlara.yml", configuration.as_str()),
        ("brandco", "key"),
        ("other", "key"),
        ("ca.pem", &ca.cert.pem()),
    ] {
        std::fs::write(directory.path().join(name), content).expect("a file");
    }
    run(exporter()
        .args(["--config.check", "--config.file"])
        .arg(directory.path().join("qlara.yml"))
        .env("BRANDCO_TRIAL_KEY", "key"))
}

#[test]
fn configurations_in_the_readme_are_valid() {
    needs!("promtool");
    let [prometheus, smallest] = yaml_blocks(README)[..] else {
        panic!("a scrape configuration and a configuration file");
    };
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("prometheus.yml");
    std::fs::write(&file, prometheus).expect("a file");
    let (code, output, error) = run(Command::new("promtool")
        .args(["check", "config"])
        .arg(&file));
    assert_eq!(code, 0, "{output}{error}");
    let good = "The configuration is good: 1 account\n".to_owned();
    assert_eq!(checked(smallest), (0, good, String::new()));
}

#[test]
fn complete_configuration_example_is_valid() {
    let complete = yaml_blocks(CONFIGURATION)[0];
    let good = "The configuration is good: 3 accounts\n".to_owned();
    assert_eq!(checked(complete), (0, good, String::new()));
}

/// Every document, by its path in the repository.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ];
    let mut documents = names.map(PathBuf::from).to_vec();
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
fn table_rows_have_as_many_cells_as_their_header() {
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
        // The number of cells in the header, and the number of the table's lines before this one.
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

/// The path of a link's target in the repository.
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
fn links_lead_to_files_that_are_in_the_package() {
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

/// The modules of `src/`, each with its row in the diagram of `docs/architecture.md`.
fn diagram_rows() -> BTreeMap<&'static str, usize> {
    /// Characters of a row in front of the description.
    const NAMES: usize = 42;
    let text = include_str!("../docs/architecture.md");
    let diagram = text.split("```\n").nth(1).expect("a diagram");
    let rows = diagram.lines().take_while(|line| !line.starts_with('─'));
    let names = rows.map(|line| line.get(..NAMES).expect("names").split_whitespace());
    let rows = names.enumerate();
    rows.flat_map(|(row, names)| names.map(move |name| (name, row)))
        .collect()
}

/// The modules that a file imports, from inside the crate or from `main.rs`.
fn imports(text: &str) -> BTreeSet<&str> {
    let paths = text.split("crate::").skip(1);
    let paths = paths.chain(text.split("qlara_exporter::").skip(1));
    let is_of_name = |char: char| char.is_ascii_lowercase() || char == '_';
    let names = paths.map(|path| path.split(|char| !is_of_name(char)).next());
    names.flatten().filter(|name| !name.is_empty()).collect()
}

#[test]
fn modules_import_only_lower_rows_of_the_diagram() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rows = diagram_rows();
    let mut found = BTreeSet::new();
    for path in rust_files(&folder) {
        let file = path.strip_prefix(&folder).expect("a file of src/");
        let module = file.iter().next().and_then(|name| name.to_str());
        let module = module.expect("a module").trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let row = rows.get(module);
        let row = row.unwrap_or_else(|| panic!("{module} is not in the diagram"));
        found.insert(module.to_owned());
        let text = std::fs::read_to_string(&path).expect("a text");
        for import in imports(&text) {
            let imported = rows.get(import);
            let imported = imported.unwrap_or_else(|| panic!("{}: {import}?", file.display()));
            assert!(
                import == module || imported > row,
                "{} imports {import}, which is not in a lower row",
                file.display()
            );
        }
    }
    let drawn: BTreeSet<String> = rows.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(drawn, found);
}

/// The dependencies in the selected sections of a manifest.
fn dependencies(manifest: &str, is_asked_for: impl Fn(&str) -> bool) -> BTreeSet<&str> {
    let mut section = "";
    let mut named = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && is_asked_for(section) {
            let name = line.split_once(" = ").map(|(name, _)| name);
            named.extend(name.map(|name| name.trim_end_matches(".workspace")));
        }
    }
    named
}

/// The tables give the reason for each crate, and name no other crate.
#[test]
fn dependency_tables_match_the_manifests() {
    let manifest = include_str!("../Cargo.toml");
    let crates = [
        manifest,
        include_str!("../crates/exporter-toolkit/Cargo.toml"),
        include_str!("../crates/gateway-simulator/Cargo.toml"),
    ];
    let of_crates = |is_wanted: fn(&str) -> bool| {
        let all = crates.iter().flat_map(|text| dependencies(text, is_wanted));
        all.collect::<BTreeSet<&str>>()
    };
    let mut program =
        of_crates(|section| !section.contains("dev-") && section != "[workspace.dependencies]");
    let mut tests = of_crates(|section| section.contains("dev-"));
    tests.extend(dependencies(include_str!("../fuzz/Cargo.toml"), |_| true));
    for own in [
        env!("CARGO_PKG_NAME"),
        "exporter-toolkit",
        "gateway-simulator",
    ] {
        program.remove(own);
        tests.remove(own);
    }
    let text = include_str!("../docs/dependencies.md");
    let documented_crates = |table: &str| -> Vec<String> {
        let cells = column(text, table).into_iter();
        cells.map(|(_, name)| name.replace('`', "")).collect()
    };
    assert_eq!(
        documented_crates("crate"),
        Vec::from_iter(program.iter().copied())
    );
    let further: Vec<&str> = tests.difference(&program).copied().collect();
    assert_eq!(documented_crates("crate of the tests"), further);
}

/// The id in a line of a doc comment, `/// [id]`.
fn id_of(line: &str) -> Option<&str> {
    let id = line.strip_prefix("/// [")?.strip_suffix(']')?;
    let is_of_id = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    id.bytes().all(is_of_id).then_some(id)
}

/// The ids in the doc comments of tests.
fn ids_of_tests(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let ids = lines.iter().enumerate().filter_map(|(at, line)| {
        let id = id_of(line)?;
        let mut head = lines[at..].iter().take_while(|line| !line.contains("fn "));
        let is_test = head.any(|line| line.starts_with("#[") && line.contains("test"));
        assert!(is_test, "[{id}] is not in the doc comment of a test");
        Some(id.to_owned())
    });
    ids.collect()
}

/// Every Rust file below a folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.flat_map(|path| match path.is_dir() {
        true => rust_files(&path),
        false => vec![path],
    });
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|end| end == "rs");
    files.filter(is_rust).collect()
}

/// The rows of all tables with a column of this name, and their cells in it.
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
fn ids_come_from_doc_comments_of_tests() {
    let text =
        "    /// More.\n    /// [an-id]\n    #[tokio::test]\n    async fn name() {\n/// [A link]\n";
    assert_eq!(ids_of_tests(text), BTreeSet::from(["an-id".to_owned()]));
    let helper = "/// [an-id]\nfn helper() {\n#[test]\n";
    assert!(std::panic::catch_unwind(|| ids_of_tests(helper)).is_err());
}

/// `docs/reliability.md` names tests by ids in their doc comments.
#[test]
fn reliability_tables_and_tests_have_the_same_ids() {
    let rows = column(include_str!("../docs/reliability.md"), "test");
    assert!(rows.len() > 100, "{} rows", rows.len());
    let mut documented = BTreeSet::new();
    for (row, cell) in rows {
        let ids: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!ids.is_empty(), "no id: {row}");
        documented.extend(ids.into_iter().map(str::to_owned));
    }
    let mut found = BTreeSet::new();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests", "src", "crates"].map(|folder| rust_files(&repository.join(folder)));
    for file in folders.into_iter().flatten() {
        found.extend(ids_of_tests(
            &std::fs::read_to_string(file).expect("a text"),
        ));
    }
    let untested: Vec<_> = documented.difference(&found).collect();
    let undocumented: Vec<_> = found.difference(&documented).collect();
    assert!(
        untested.is_empty() && undocumented.is_empty(),
        "in the document alone: {untested:?}; in tests alone: {undocumented:?}"
    );
}
