//! The units of `deploy/systemd`, checked by systemd's own tools, and their settings.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::needs;
use crate::harness::{API_KEY, eventually};

const SERVICE: &str = include_str!("../deploy/systemd/qlara-exporter.service");
const SOCKET: &str = include_str!("../deploy/systemd/qlara-exporter.socket");
const CHECK_SERVICE: &str = include_str!("../deploy/systemd/qlara-exporter-check.service");
const CHECK_TIMER: &str = include_str!("../deploy/systemd/qlara-exporter-check.timer");
const SETTINGS: &str = include_str!("../deploy/debian/default");
const EXAMPLE: &str = include_str!("../deploy/debian/qlara.yml");

fn unit(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    folder.join(name)
}

fn values<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    let settings = unit.lines().filter_map(|line| line.split_once('='));
    let of_name = settings.filter(|(key, _)| *key == name);
    of_name.map(|(_, value)| value).collect()
}

/// The help text without its line breaks.
fn help(exporter: &mut Command) -> String {
    let (code, help, error) = run(exporter.arg("--help"));
    assert_eq!(code, 0, "{error}");
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn systemd_analyze_accepts_every_line() {
    needs!("systemd-analyze");
    let directory = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_qlara-exporter");
    let mut units = Vec::new();
    for (name, text) in [
        ("qlara-exporter.service", SERVICE),
        ("qlara-exporter.socket", SOCKET),
        ("qlara-exporter-check.service", CHECK_SERVICE),
        ("qlara-exporter-check.timer", CHECK_TIMER),
    ] {
        let file = directory.path().join(name);
        std::fs::write(&file, text.replace("/usr/bin/qlara-exporter", program)).expect("a file");
        units.push(file);
    }
    let verify = ["verify", "--man=no", "--recursive-errors=no"];
    let end = run(Command::new("systemd-analyze").args(verify).args(units));
    assert_eq!(end, (0, String::new(), String::new()));
}

#[test]
fn systemd_rates_the_exposure_as_ok_or_better() {
    needs!("systemd-analyze");
    for service in ["qlara-exporter.service", "qlara-exporter-check.service"] {
        let (code, output, error) = run(Command::new("systemd-analyze")
            // In tenths: the exposure level is below 2.0 of 10.
            .args(["security", "--no-pager", "--offline=true", "--threshold=20"])
            .arg(unit(service)));
        assert_eq!(code, 0, "{output}{error}");
        let verdict = format!("→ Overall exposure level for {service}: 1.");
        assert!(output.contains(&verdict), "{output}");
        assert!(output.contains(" OK"), "{output}");
    }
}

/// The root directory contains only the directories of a fresh Debian.
#[test]
fn documented_manual_installation_works() {
    let root = tempfile::tempdir().expect("a folder");
    let generated = tempfile::tempdir().expect("a folder");
    for folder in ["usr/bin", "etc/systemd/system", "etc/default"] {
        std::fs::create_dir_all(root.path().join(folder)).expect("a folder");
    }
    let commands = include_str!("../docs/systemd.md")
        .split_once("```sh\n")
        .and_then(|(_, rest)| rest.split_once("systemd-sysusers\n"));
    let (commands, _) = commands.expect("commands");
    let program = env!("CARGO_BIN_EXE_qlara-exporter");
    let commands = commands
        .replace(" /", &format!(" {}/", root.path().display()))
        .replace("target/release/qlara-exporter", program)
        .replace("target/generated", &generated.path().display().to_string());
    let mut shell = Command::new("sh");
    shell.current_dir(env!("CARGO_MANIFEST_DIR"));
    let end = run(shell.args(["-e", "-c", &commands]));
    assert_eq!(end, (0, String::new(), String::new()));
    for file in [
        "usr/bin/qlara-exporter",
        "etc/systemd/system/qlara-exporter.service",
        "etc/systemd/system/qlara-exporter.socket",
        "etc/sysusers.d/qlara-exporter.conf",
        "etc/default/qlara-exporter",
    ] {
        assert!(root.path().join(file).is_file(), "{file}");
    }
    for unit in [SERVICE, SOCKET] {
        let [page] = values(unit, "Documentation")[..] else {
            panic!("one page");
        };
        let name = page
            .strip_prefix("man:")
            .and_then(|page| page.strip_suffix("(1)"));
        let file = format!("usr/share/man/man1/{}.1", name.expect("a man page"));
        assert!(root.path().join(&file).is_file(), "{file}");
    }
}

#[test]
fn service_uses_notify_watchdog_and_reload() {
    assert_eq!(values(SERVICE, "Type"), ["notify"]);
    assert_eq!(values(SERVICE, "WatchdogSec"), ["30s"]);
    assert_eq!(values(SERVICE, "ExecReload"), ["/bin/kill -HUP $MAINPID"]);
    let (code, _, _) = run(exporter().arg("--nope"));
    assert_eq!(
        values(SERVICE, "RestartPreventExitStatus"),
        [code.to_string()]
    );
}

/// `docs/systemd.md`: a reverse proxy in the group may connect, other users may not.
#[tokio::test]
async fn only_the_group_of_the_service_may_use_its_unix_socket() {
    let [mask] = values(SERVICE, "UMask")[..] else {
        panic!("one mask");
    };
    let directory = tempfile::tempdir().expect("a folder");
    let socket = directory.path().join("socket");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", mask])
        .arg(env!("CARGO_BIN_EXE_qlara-exporter"))
        .arg(format!("--web.listen-address=unix://{}", socket.display()))
        .env("QLARA_API_KEY", API_KEY);
    let _exporter = Running::start(&mut shell);
    let mode = eventually("the socket", async || {
        Some(socket.metadata().ok()?.permissions().mode() & 0o777)
    })
    .await;
    assert_eq!(format!("{mode:o}"), "770");
}

#[test]
fn socket_unit_has_the_default_address() {
    let [port] = values(SOCKET, "ListenStream")[..] else {
        panic!("one address");
    };
    assert!(help(&mut exporter()).contains(&format!("[default: :{port}]")));
}

/// Every setting, commented out or not, exists in the exporter and has the described effect.
#[test]
fn default_file_has_settings_of_the_exporter() {
    let lines = SETTINGS.lines().map(|line| line.trim_start_matches('#'));
    let settings = lines.filter_map(|line| line.strip_prefix("QLARA_"));
    let mut found = 0;
    for (name, value) in settings.map(|line| line.split_once('=').expect("a value")) {
        let (code, output, error) =
            run(exporter().arg("--help").env(format!("QLARA_{name}"), value));
        assert_eq!(code, 0, "{error}");
        let words = output.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("[env: QLARA_{name}]")), "{name}");
        found += 1;
    }
    assert!(found > 4, "{found} settings found");
}

#[test]
fn example_configuration_is_valid_with_and_without_its_comments() {
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(directory.path().join("brandco.key"), "key").expect("a file");
    let mut check = exporter();
    check.args(["--config.check", "--config.file"]).arg(&file);
    let good = "The configuration is good: 1 account\n".to_owned();

    // Comment text follows one space; commented settings follow none or several.
    let commented = EXAMPLE.lines().filter_map(|line| line.strip_prefix('#'));
    let settings = commented.filter(|line| !line.starts_with(' ') || line.starts_with("  "));
    let settings: String = settings.map(|line| format!("{line}\n")).collect();
    assert!(settings.contains("\naccounts:\n"), "{settings}");
    std::fs::write(&file, settings).expect("a file");
    assert_eq!(run(&mut check), (0, good.clone(), String::new()));

    std::fs::write(&file, EXAMPLE).expect("a file");
    check.env("QLARA_API_KEY", "key");
    assert_eq!(run(&mut check), (0, good, String::new()));
}

/// `docs/debian.md`: `deploy/debian/build` creates the other files.
#[test]
fn every_file_of_the_package_exists() {
    let metadata = ["metadata", "--no-deps", "--offline", "--format-version=1"];
    let (code, output, error) = run(Command::new(env!("CARGO"))
        .args(metadata)
        .current_dir(env!("CARGO_MANIFEST_DIR")));
    assert_eq!(code, 0, "{error}");
    let metadata: serde_json::Value = serde_json::from_str(&output).expect("JSON");
    let mut packages = metadata["packages"].as_array().expect("packages").iter();
    let package = packages.find(|package| package["name"] == env!("CARGO_PKG_NAME"));
    let package = &package.expect("this package")["metadata"]["deb"];
    let mut found = 0;
    for asset in package["assets"].as_array().expect("assets") {
        let path = asset[0].as_str().expect("a path");
        if !path.starts_with("target/") {
            let place = path.split('*').next().expect("a folder or file");
            let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
            assert!(place.exists(), "{path}");
            found += 1;
        }
    }
    assert!(found > 5, "{found} files found");
    let units = package["systemd-units"][0]["unit-scripts"].as_str();
    assert_eq!(units, Some("deploy/systemd"));
}
