//! `--output-file`: which files are replaced, overwritten or appended to.

use std::fs::{self, Permissions};
use std::io::Seek;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{gateway, page};
use crate::harness::process::{CommandOutput, run_beside};
use crate::harness::tools::{NAMESPACES, ROOT, needs};
use crate::harness::{API_KEY, Gateway};

const PROGRAM: &str = env!("CARGO_BIN_EXE_qlara-exporter");

/// Runs the real `check` with an output file, under another program.
async fn check_by(mut runner: Command, gateway: &Gateway, file: &Path) -> CommandOutput {
    runner
        .args([PROGRAM, "check", "--output", "metrics", "--output-file"])
        .arg(file)
        .env("QLARA_URL", gateway.url())
        .env("QLARA_API_KEY", API_KEY);
    run_beside(runner).await
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[tokio::test]
async fn path_of_standard_output_is_appended_to() {
    let gateway = gateway(&json!([page("p")])).await;
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let link = folder.path().join("link");
    symlink("/proc/self/fd/1", &link).expect("a link");
    for path in [
        "/dev/stdout".as_ref(),
        "/dev/fd/1".as_ref(),
        "/proc/self/fd/1".as_ref(),
        link.as_path(),
    ] {
        for opened in [">", ">>"] {
            fs::write(&log, "before\n").expect("a file");
            let script =
                format!("{{ echo first; \"$0\" \"$@\"; echo last; }} {opened} \"$LOG_FILE\"");
            let mut runner = shell(&script);
            runner.env("LOG_FILE", &log);
            let ran = check_by(runner, &gateway, path).await;
            assert_eq!((ran.code, ran.error.as_str()), (0, ""), "{path:?}");
            let text = fs::read_to_string(&log).expect("a text");
            let start = match opened {
                ">" => "first\n#",
                _ => "before\nfirst\n#",
            };
            assert!(text.starts_with(start), "{path:?} {opened}: {text}");
            assert!(text.contains("\nqlara_up 1\n"), "{path:?} {opened}: {text}");
            assert!(text.ends_with("\nlast\n"), "{path:?} {opened}: {text}");
        }
    }
    // Another open file, and one whose path no longer exists.
    let mut runner = shell("exec 3>> \"$LOG_FILE\"; \"$0\" \"$@\"");
    runner.env("LOG_FILE", &log);
    fs::write(&log, "before\n").expect("a file");
    let ran = check_by(runner, &gateway, Path::new("/dev/fd/3")).await;
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
    let text = fs::read_to_string(&log).expect("a text");
    assert!(text.starts_with("before\n#"), "{text}");
    let mut nameless = tempfile::tempfile().expect("a file");
    let mut runner = shell("exec \"$0\" \"$@\"");
    runner.stdout(nameless.try_clone().expect("a file"));
    let ran = check_by(runner, &gateway, &link).await;
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
    nameless.rewind().expect("a file");
    let text = std::io::read_to_string(nameless).expect("a text");
    assert!(text.contains("\nqlara_up 1\n"), "{text}");
    assert!(link.is_symlink());
}

#[derive(Debug, PartialEq)]
enum Way {
    Replaced,
    Overwritten,
    Refused,
}

/// Without root's capability to override permissions; only root can create a file of another user.
#[tokio::test]
async fn file_of_another_user_is_written_if_permissions_allow() {
    const OTHER: u32 = 65534;
    needs!(ROOT, "setpriv");
    let gateway = gateway(&json!([page("p")])).await;
    for (owner, mode, folder_mode, way) in [
        (OTHER, 0o644, 0o755, Way::Replaced),
        (OTHER, 0o666, 0o755, Way::Replaced),
        (0, 0o664, 0o755, Way::Overwritten),
        (OTHER, 0o646, 0o755, Way::Overwritten),
        (0, 0o644, 0o555, Way::Overwritten),
        (OTHER, 0o664, 0o755, Way::Refused),
        (OTHER, 0o640, 0o755, Way::Refused),
        (OTHER, 0o644, 0o555, Way::Refused),
    ] {
        let case = format!("{owner} {mode:o} {folder_mode:o}");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("qlara.prom");
        fs::write(&file, "old").expect("a file");
        chown(&file, Some(owner), Some(OTHER)).expect("an owner");
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("a mode");
        fs::set_permissions(folder.path(), Permissions::from_mode(folder_mode)).expect("a mode");
        let old = file.metadata().expect("a file");

        let mut runner = Command::new("setpriv");
        runner.args(["--clear-groups", "--bounding-set=-chown,-dac_override"]);
        let ran = check_by(runner, &gateway, &file).await;

        let new = file.metadata().expect("a file");
        let text = fs::read_to_string(&file).expect("a text");
        assert_eq!(new.mode(), old.mode(), "{case}");
        assert_eq!(new.ino() != old.ino(), way == Way::Replaced, "{case}");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
        if way == Way::Refused {
            assert_eq!((ran.code, text.as_str()), (3, "old"), "{case}");
            let start = format!(
                "qlara-exporter: cannot write {}: this user can neither replace the file (",
                file.display()
            );
            assert!(ran.error.starts_with(&start), "{case}: {}", ran.error);
            assert_eq!(ran.error.lines().count(), 1, "{case}: {}", ran.error);
        } else {
            assert_eq!((ran.code, ran.error.as_str()), (0, ""), "{case}");
            assert!(text.contains("\nqlara_up 1\n"), "{case}: {text}");
        }
    }
}

/// A mount as in a container, in its own mount namespace.
#[tokio::test]
async fn bind_mounted_file_is_overwritten() {
    needs!(NAMESPACES);
    let gateway = gateway(&json!([page("p")])).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (outside, inside) = (folder.path().join("outside"), folder.path().join("inside"));
    fs::write(&outside, "old".repeat(10_000)).expect("a file");
    fs::write(&inside, "").expect("a file");
    let mut runner = Command::new("unshare");
    runner
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg("mount --bind \"$OUTSIDE\" \"$INSIDE\" && exec \"$0\" \"$@\"")
        .env("OUTSIDE", &outside)
        .env("INSIDE", &inside);
    let ran = check_by(runner, &gateway, &inside).await;
    assert_eq!((ran.code, ran.error.as_str()), (0, ""));
    let text = fs::read_to_string(&outside).expect("a text");
    assert!(text.starts_with('#') && text.ends_with('\n'), "{text}");
    assert!(text.contains("\nqlara_up 1\n"), "{text}");
}
