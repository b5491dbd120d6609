//! `hash-password` prints hashes that the exporter and Prometheus' tools accept, and no part of the password.

mod terminal;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use exporter_toolkit::web_config::WebConfigFile;
use reqwest::StatusCode;
use tempfile::TempDir;

use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run};
use crate::harness::tools::needs;
use crate::harness::{eventually, http};

/// The lowest cost, for tests that only check the text.
const CHEAP: [&str; 2] = ["--cost", "4"];

fn hash_password(arguments: &[&str]) -> Command {
    let mut command = exporter();
    command.arg("hash-password").args(arguments);
    command
}

/// Runs the command with a password from a pipe. Returns exit code, standard output, standard error.
fn piped(arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut child = hash_password(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a program");
    let mut pipe = child.stdin.take().expect("an input");
    // The command stops reading when the password is too long.
    let _ = pipe.write_all(input);
    drop(pipe);
    let end = child.wait_with_output().expect("an end");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        end.status.code().expect("an exit code"),
        text(end.stdout),
        text(end.stderr),
    )
}

/// The line for a valid password, without its line end.
fn line(arguments: &[&str], input: &[u8]) -> String {
    let (code, output, error) = piped(arguments, input);
    assert_eq!((code, error.as_str()), (0, ""), "{arguments:?}");
    let line = output.strip_suffix('\n').expect("a line end");
    assert!(!line.contains('\n'), "{output}");
    line.to_owned()
}

fn is_of(password: impl AsRef<[u8]>, hash: &str) -> bool {
    bcrypt::verify(password, hash).expect("a hash")
}

/// A web configuration file with the printed lines below the key.
fn web_config(folder: &TempDir, lines: &[String]) -> std::path::PathBuf {
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    let path = folder.path().join("web.yml");
    std::fs::write(&path, format!("basic_auth_users:\n{lines}")).expect("a file");
    path
}

fn assert_promtool_accepts(web: &Path) {
    needs!("promtool");
    let mut promtool = Command::new("promtool");
    let (code, output, error) = run(promtool.args(["check", "web-config"]).arg(web));
    assert_eq!(code, 0, "{output}{error}");
}

#[test]
fn line_end_is_not_part_of_the_password() {
    for input in [
        "pa:ss wörd",
        "pa:ss wörd\n",
        "pa:ss wörd\r\n",
        "\u{feff}pa:ss wörd\n",
    ] {
        let hash = line(&CHEAP, input.as_bytes());
        assert!(hash.starts_with("$2b$04$"), "{hash}");
        assert!(is_of("pa:ss wörd", &hash), "{input:?}");
    }
    assert!(is_of("  secret ", &line(&CHEAP, b"  secret \n")));
}

#[test]
fn salt_is_random_and_the_default_cost_is_10() {
    let first = line(&[], b"secret");
    assert!(first.starts_with("$2b$10$"), "{first}");
    assert_ne!(line(&[], b"secret"), first);
    assert!(line(&["--cost", "14"], b"secret").starts_with("$2b$14$"));
}

#[tokio::test]
async fn printed_line_works_in_the_web_configuration() {
    let folder = TempDir::new().expect("a folder");
    let lines = [
        line(&["--user", "prometheus"], b"secret\n"),
        line(
            &["--user", "zo\u{eb} # 1", "--cost", "4"],
            b"p\xc3\xa4ss:word",
        ),
    ];
    assert!(lines[0].starts_with("prometheus: $2b$10$"), "{}", lines[0]);
    let web = web_config(&folder, &lines);
    assert_promtool_accepts(&web);

    let address = format!("127.0.0.1:{}", free_port());
    let mut command = exporter();
    command.args(["demo", "--web.listen-address", &address]);
    let _exporter = Running::start(command.arg("--web.config.file").arg(&web));
    let status = async |user: &str, password: &str| {
        let request = http().get(format!("http://{address}/-/healthy"));
        let answer = eventually("an answer", async || {
            let request = request.try_clone().expect("a request");
            request.basic_auth(user, Some(password)).send().await.ok()
        });
        answer.await.status()
    };
    for (user, password, expected) in [
        ("prometheus", "secret", StatusCode::OK),
        ("prometheus", "wrong", StatusCode::UNAUTHORIZED),
        ("prometheus", "secret\n", StatusCode::UNAUTHORIZED),
        ("zo\u{eb} # 1", "p\u{e4}ss:word", StatusCode::OK),
        ("zo\u{eb} # 1", "secret", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(status(user, password).await, expected, "{user}");
    }
}

#[test]
fn documented_line_matches_the_documented_file() {
    let documentation = include_str!("../docs/web-configuration.md");
    let (_, session) = documentation
        .split_once("$ qlara-exporter hash-password --user prometheus\n")
        .expect("a session");
    let printed: Vec<&str> = session.lines().take(3).collect();
    assert_eq!(printed[..2], ["Password:", "Repeat the password:"]);
    let in_file = format!("\nbasic_auth_users:\n  {}\n", printed[2]);
    assert!(documentation.contains(&in_file), "{in_file}");
    let hash = printed[2].strip_prefix("prometheus: ").expect("a name");
    assert!(is_of("secret", hash), "{hash}");
}

#[test]
fn line_with_any_user_name_is_valid_yaml() {
    let names = [
        "prometheus",
        "a # b",
        " a ",
        "null",
        "Yes",
        "1e3",
        "0x1",
        "-",
        "?",
        "~",
        "<<",
        "{a}",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "'a'",
        "\"a\\",
        "a,b",
        "[",
        "|",
        ">",
        "\u{202e}a",
        "日本",
        "🍕",
        "\u{feff}a",
        "\u{2028}",
        "\u{ffff}",
    ];
    let lines = names.map(|name| line(&["--user", name, "--cost", "4"], b"secret"));
    let folder = TempDir::new().expect("a folder");
    let web = web_config(&folder, &lines);
    let file = WebConfigFile::load(&web).expect("a good file");
    drop(file);
    let yaml = std::fs::read_to_string(&web).expect("a text");
    let yaml: serde_json::Value = serde_saphyr::from_str(&yaml).expect("YAML");
    let users = yaml["basic_auth_users"].as_object().expect("users");
    for name in names {
        let hash = users[name].as_str().expect("a hash");
        assert!(is_of("secret", hash), "{name}");
    }
    assert_promtool_accepts(&web);
}

/// [invalid-password]
#[test]
fn unusable_password_is_rejected() {
    let longest = "ä".repeat(36);
    assert!(is_of(&longest, &line(&CHEAP, longest.as_bytes())));
    let too_long = format!("{longest}a");
    let endless = "s3cret".repeat(100_000);
    for (input, message) in [
        (&b""[..], "no password: the input is empty"),
        (b"\n", "the password is empty"),
        (b"\r\n", "the password is empty"),
        (
            b"s3cret\n\n",
            "standard input has more than one line; expected the password alone",
        ),
        (
            b"s3cret\ns3cret",
            "standard input has more than one line; expected the password alone",
        ),
        (
            too_long.as_bytes(),
            "the password is longer than 72 bytes; bcrypt would ignore the rest",
        ),
        (
            endless.as_bytes(),
            "the password is longer than 72 bytes; bcrypt would ignore the rest",
        ),
        (
            b"s3cret\xff",
            "the password is not UTF-8, in which clients send it",
        ),
        (
            b"s3\0cret",
            "the password contains a control character, which HTTP Basic does not allow",
        ),
        (
            b"s3\tcret",
            "the password contains a control character, which HTTP Basic does not allow",
        ),
        (
            b"s3cret\r",
            "the password contains a control character, which HTTP Basic does not allow",
        ),
    ] {
        let end = piped(&CHEAP, input);
        let error = format!("qlara-exporter: {message}\n");
        assert_eq!(end, (2, String::new(), error), "{message}");
    }
}

/// The command reads only as much as it needs to reject the input.
/// [invalid-password]
#[test]
fn endless_input_is_rejected() {
    let zeros = File::open("/dev/zero").expect("zeros");
    let mut command = hash_password(&CHEAP);
    let end = command.stdin(zeros).output().expect("a program");
    assert_eq!(end.status.code(), Some(2));
    let error = String::from_utf8(end.stderr).expect("UTF-8");
    assert!(error.contains("longer than 72 bytes"), "{error}");
}

#[test]
fn invalid_flags_are_one_line_and_exit_code_2() {
    let cost = "--cost <N>: expected a whole number from 4 to 14";
    for (arguments, line) in [
        (&["--cost", "3"][..], cost),
        (&["--cost", "15"], cost),
        (&["--cost=-1"], cost),
        (&["--cost", "ten"], cost),
        (&["--user", ""], "--user <NAME>: must not be empty"),
        (
            &["--user", "a:b"],
            "--user <NAME>: must not contain a colon, which ends the user name in HTTP Basic",
        ),
        (
            &["--user", "a\nb"],
            "--user <NAME>: must not contain a control character",
        ),
        (
            &["--user", "$2y$10$QOauhQNbBCuQDKes6eFzPe"],
            "--user <NAME>: expected a user name, not a hash",
        ),
        (&["s3cret"], "unexpected argument"),
        (&["--password=s3cret"], "unknown flag"),
        (&["--s3cret"], "unknown flag"),
    ] {
        let (code, output, error) = run(&mut hash_password(arguments));
        assert_eq!((code, output.as_str()), (2, ""), "{arguments:?}");
        let expected = format!("qlara-exporter: error: {line}, try --help\n");
        assert_eq!(error, expected, "{arguments:?}");
    }
}

/// [unprinted-hash]
#[test]
fn write_error_is_exit_code_1() {
    let full = File::create("/dev/full").expect("a full disk");
    let (reader, closed) = std::io::pipe().expect("a pipe");
    drop(reader);
    for (output, reason) in [
        (Stdio::from(full), "No space left on device (os error 28)"),
        (Stdio::from(closed), "Broken pipe (os error 32)"),
    ] {
        let (input, mut password) = std::io::pipe().expect("a pipe");
        password.write_all(b"s3cret").expect("written");
        drop(password);
        let mut command = hash_password(&CHEAP);
        let command = command.stdin(input).stdout(output).stderr(Stdio::piped());
        let end = command.spawn().and_then(|child| child.wait_with_output());
        let end = end.expect("an end");
        assert_eq!(end.status.code(), Some(1), "{reason}");
        let error = format!("qlara-exporter: cannot write to standard output: {reason}\n");
        assert_eq!(String::from_utf8_lossy(&end.stderr), error);
    }
}

/// A directory can be opened but not read.
#[test]
fn read_error_is_exit_code_1() {
    let folder = File::open("/").expect("a folder");
    let end = hash_password(&[]).stdin(folder).output().expect("an end");
    assert_eq!(end.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&end.stderr),
        "qlara-exporter: cannot read the password: Is a directory (os error 21)\n"
    );
}
