//! External programs that some tests need.
//!
//! `cargo test` skips the tests whose tools this machine does not have. `TESTS_REQUIRE_TOOLS` turns a missing tool into a
//! failure, except for those that `TESTS_OPTIONAL_TOOLS` lists; their tests are still skipped.

use std::io::Write;
use std::sync::LazyLock;

/// Returns from a test, which then passes, unless all of these tools are there.
///
/// It calls `has` in `harness::tools` of the test binary, which may know other tools than programs.
macro_rules! needs {
    ($($tool:expr),+) => {
        if !($($crate::harness::tools::has($tool))&&+) {
            return;
        }
    };
}
pub(crate) use needs;

/// Whether this machine has a program.
///
/// Prints that the test is skipped if the program is missing, or panics if it is required.
pub fn has(program: &str) -> bool {
    skip_without(program, is_in_path(program))
}

/// Returns `is_present`. If it is false, prints that the test is skipped, or panics if the tool is required.
pub fn skip_without(tool: &str, is_present: bool) -> bool {
    static REQUIREMENTS: LazyLock<Requirements> =
        LazyLock::new(|| Requirements::read(|name| std::env::var(name).ok()));
    if !is_present {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default();
        assert!(
            !REQUIREMENTS.require(tool),
            "no {tool}, and TESTS_REQUIRE_TOOLS is set"
        );
        // The test harness captures what `println!` prints.
        writeln!(std::io::stderr(), "skipped: no {tool} ({test})").expect("written");
    }
    is_present
}

pub fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
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
            all: !value("TESTS_REQUIRE_TOOLS").is_empty(),
            optional: value("TESTS_OPTIONAL_TOOLS"),
        }
    }

    fn require(&self, tool: &str) -> bool {
        self.all && !self.optional.split_whitespace().any(|name| name == tool)
    }
}

#[test]
fn missing_tool_fails_only_if_tools_are_required() {
    let requirements = |require: &str, optional: &str| {
        Requirements::read(|name| match name {
            "TESTS_REQUIRE_TOOLS" => Some(require.to_owned()),
            "TESTS_OPTIONAL_TOOLS" => Some(optional.to_owned()),
            _ => None,
        })
    };
    assert!(!Requirements::read(|_| None).require("jq"));
    assert!(!requirements("", "").require("jq"));
    assert!(requirements("1", "").require("jq"));
    let without_browser = requirements("1", " chromium root");
    assert!(!without_browser.require("chromium"));
    assert!(!without_browser.require("root"));
    assert!(without_browser.require("jq"));
}

#[test]
fn programs_are_found_in_the_path() {
    assert!(is_in_path("sh"));
    assert!(!is_in_path("no-program-has-this-name"));
}
