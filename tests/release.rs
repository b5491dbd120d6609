//! What makes a release: the workflows, the bill of materials, and the notes of `CHANGELOG.md`.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::process::{run, run_with_input};
use crate::harness::tools::{self, CYCLONEDX, RELEASE, needs};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of the virtual environment with the schemas.
fn tool(name: &str) -> Command {
    Command::new(tools::folder("release").join("bin").join(name))
}

/// The workflows, with their paths.
fn workflows() -> Vec<(PathBuf, String)> {
    ["test.yml", "release.yml"]
        .map(|name| repository().join(".github/workflows").join(name))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a workflow");
            (path, text)
        })
        .into()
}

#[test]
fn workflows_match_the_published_schema() {
    needs!(RELEASE);
    let paths = workflows().into_iter().map(|(path, _)| path);
    let (code, output, error) = run(tool("check-jsonschema")
        .args(["--builtin-schema", "vendor.github-workflows"])
        .args(paths));
    assert_eq!(code, 0, "{output}{error}");
}

#[test]
fn linter_finds_no_security_problem_in_the_workflows() {
    needs!(RELEASE);
    let paths = workflows().into_iter().map(|(path, _)| path);
    let (code, output, error) = run(tool("zizmor").args(["--offline", "--quiet"]).args(paths));
    assert_eq!(code, 0, "{output}{error}");
}

/// A tag can be moved, a commit cannot. The comment tells which version the commit is.
#[test]
fn actions_are_pinned_to_commits() {
    let mut pinned = 0;
    for (path, text) in workflows() {
        for line in text.lines().filter(|line| line.contains("uses:")) {
            let place = format!("{}: {line}", path.display());
            let (_, reference) = line.split_once('@').expect(&place);
            let (commit, version) = reference.split_once(" # v").expect(&place);
            let is_hash = |byte: u8| byte.is_ascii_hexdigit();
            assert!(commit.len() == 40 && commit.bytes().all(is_hash), "{place}");
            assert_eq!(version.split('.').count(), 3, "{place}");
            pinned += 1;
        }
    }
    assert!(pinned >= 10, "{pinned} actions found");
}

#[test]
fn ci_runs_the_command_that_the_readme_shows() {
    let readme = include_str!("../README.md");
    let (_, development) = readme.split_once("## Development").expect("a section");
    let command = development.split("```sh\n").nth(1).expect("a command");
    let command = command.lines().next().expect("a line");
    assert_eq!(command, "tests/run");
    let workflow = include_str!("../.github/workflows/test.yml");
    let runs: Vec<&str> = workflow
        .lines()
        .filter_map(|line| line.split_once("run: "))
        .map(|(_, command)| command)
        .collect();
    assert_eq!(runs, [command]);
}

/// Users copy the commands, so a new version changes the names in them.
#[test]
fn documented_files_are_of_this_version() {
    for (text, wanted) in [
        (include_str!("../README.md"), "qlara-exporter-"),
        (include_str!("../docs/releases.md"), "qlara-exporter-"),
        (include_str!("../docs/debian.md"), "qlara-exporter_"),
    ] {
        let names = text
            .split(wanted)
            .skip(1)
            .filter(|rest| rest.starts_with(|char: char| char.is_ascii_digit()));
        let names: Vec<&str> = names.collect();
        assert!(!names.is_empty(), "no {wanted}");
        for rest in names {
            assert!(
                rest.starts_with(VERSION),
                "{wanted}{}",
                rest.lines().next().unwrap_or_default()
            );
        }
    }
}

#[test]
fn a_tag_of_this_version_has_notes_and_another_tag_fails() {
    let notes = |tag: &str| run(Command::new(repository().join("deploy/release-notes")).arg(tag));
    let (code, output, error) = notes(&format!("v{VERSION}"));
    assert_eq!((code, error.as_str()), (0, ""));
    assert!(output.contains("### "), "{output}");
    assert!(!output.contains("\n## "), "{output}");

    let expected = format!(
        "deploy/release-notes: the tag is v999.0.0, but the version in Cargo.toml is {VERSION}\n"
    );
    assert_eq!(notes("v999.0.0"), (1, String::new(), expected));
}

/// A copy of `deploy/release-notes` with another changelog.
#[test]
fn a_version_without_a_dated_section_has_no_notes() {
    for heading in ["Unreleased", VERSION, "0.0.1 - 2026-01-01"] {
        let copy = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(copy.path().join("deploy")).expect("a folder");
        for file in ["deploy/release-notes", "Cargo.toml"] {
            std::fs::copy(repository().join(file), copy.path().join(file)).expect("a copy");
        }
        let changelog = format!("# Changelog\n\n## {heading}\n\n- A change.\n");
        std::fs::write(copy.path().join("CHANGELOG.md"), changelog).expect("a file");
        let script = copy.path().join("deploy/release-notes");
        let (code, output, error) = run(Command::new(script).arg(format!("v{VERSION}")));
        assert_eq!((code, output.as_str()), (1, ""), "{heading}");
        assert!(error.contains("CHANGELOG.md has no section"), "{error}");
    }
}

/// What `deploy/sbom` prints in this directory.
fn sbom(directory: &Path) -> String {
    let (code, output, error) = run(Command::new(directory.join("deploy/sbom"))
        .arg("x86_64-unknown-linux-gnu")
        .env("SOURCE_DATE_EPOCH", "1790000000"));
    assert_eq!((code, error.as_str()), (0, ""));
    output
}

#[test]
fn sbom_is_valid_and_lists_the_crates_of_the_program() {
    needs!(RELEASE, CYCLONEDX);
    let text = sbom(repository());
    let mut validator = tool("python");
    validator.arg(repository().join("tests/release/validate_sbom.py"));
    assert_eq!(
        run_with_input(&mut validator, &text),
        (0, "good\n".to_owned())
    );

    let sbom: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        sbom["metadata"]["timestamp"],
        "2026-09-21T14:13:20.000000000Z"
    );
    assert_eq!(sbom["metadata"]["component"]["version"], VERSION);
    let components = sbom["components"].as_array().expect("components");
    let names: BTreeSet<&str> = components
        .iter()
        .map(|component| component["name"].as_str().expect("a name"))
        .collect();
    for crate_of_the_program in ["exporter-toolkit", "rustls", "ring", "libc"] {
        assert!(names.contains(crate_of_the_program), "{names:?}");
    }
    for crate_of_the_tests in ["proptest", "openmetrics-parser", "png"] {
        assert!(!names.contains(crate_of_the_tests), "{crate_of_the_tests}");
    }
}

/// The other directory has the name of the crate, which changes Cargo's ids of the crate.
#[test]
fn sbom_does_not_depend_on_the_directory() {
    needs!(CYCLONEDX);
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("qlara-exporter");
    std::fs::create_dir(&copy).expect("a folder");
    for name in ["Cargo.toml", "Cargo.lock", "crates", "deploy"] {
        let (code, _, error) = run(Command::new("cp")
            .arg("-r")
            .args([repository().join(name), copy.join(name)]));
        assert_eq!(code, 0, "{error}");
    }
    for name in ["build.rs", "src", "tests", "benches"] {
        symlink(repository().join(name), copy.join(name)).expect("a link");
    }
    let text = sbom(&copy);
    assert_eq!(text, sbom(repository()));
    let own = folder.path().to_string_lossy();
    assert!(!text.contains(&*own), "{own} in {text}");
}
