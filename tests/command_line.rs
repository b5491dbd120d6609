//! Flags, variables, help and exit codes of the real program.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use exporter_toolkit::clock::Clock;
use gateway_simulator::{Options, Schema};

use crate::harness::clock::ManualClock;
use crate::harness::port::free_port;
use crate::harness::process::{Running, exporter, run, run_beside};
use crate::harness::{API_KEY, Gateway, eventually, http};
use crate::prometheus::system_gateway;

/// The error for a word that is no command.
const COMMANDS: &str = "unexpected argument, expected a flag or one of check, explain, demo, simulate, healthcheck, hash-password, generate, help";

#[test]
fn usage_error_is_one_line_and_exit_code_2() {
    for (arguments, line) in [
        (
            &["--cache.tttl"][..],
            "unknown flag --cache.tttl; did you mean --cache.ttl?",
        ),
        (&["--nope"], "unknown flag --nope"),
        (&["--8f14e45fceea167a5a36dedd4bea2543"], "unknown flag …"),
        (&["--hlep"], "unknown flag --hlep; did you mean --help?"),
        (
            &["--cache\n.ttl"],
            "unknown flag …; did you mean --cache.ttl?",
        ),
        (
            &["--web.listen-adress\u{1b}[2J"],
            "unknown flag …; did you mean --web.listen-address?",
        ),
        (&["demo", "--nope=s3cret"], "unknown flag --nope"),
        (
            &["--web.timezone=Rome"],
            "--web.timezone <ZONE>: expected the IANA name of a time zone, such as Europe/Rome or UTC",
        ),
        (
            &["simulate", "--api-ky", "s3cret"],
            "unknown flag --api-ky; did you mean --api-key?",
        ),
        (
            &["check", "--platfrom", "facebook"],
            "unknown flag --platfrom; did you mean --platform?",
        ),
        // Flags of other commands.
        (
            &["--platfrom", "facebook"],
            "unknown flag --platfrom; did you mean \"check --platform\"?",
        ),
        (
            &["--output", "json"],
            "unknown flag --output; did you mean \"check --output\"?",
        ),
        (
            &["chek", "--platform", "facebook"],
            "unknown command \"chek\"; did you mean \"check\"?",
        ),
        (
            &["help", "chek"],
            "unknown command \"chek\"; did you mean \"check\"?",
        ),
        (
            &["--log.level", "debug", "chek"],
            "unknown command \"chek\"; did you mean \"check\"?",
        ),
        (
            &["--log.level", "debug", "explain"],
            "flags must come after the command",
        ),
        (
            &["explain", "--platfrom", "x"],
            "unknown flag --platfrom; did you mean \"check --platform\"?",
        ),
        // After a command.
        (
            &["demo", "chek"],
            "unexpected argument \"chek\" after \"demo\"; did you mean \"check\"?",
        ),
        (
            &["demo", "profiles", "30"],
            "unexpected argument \"profiles\" after \"demo\"; did you mean --profiles?",
        ),
        (&["hash-password", "check"], "unexpected argument"),
        (
            &["hlep"],
            "unknown command \"hlep\"; did you mean \"help\"?",
        ),
        (
            &["version"],
            "unknown command \"version\"; did you mean --version?",
        ),
        (
            &["chek"],
            "unknown command \"chek\"; did you mean \"check\"?",
        ),
        (
            &["health-check"],
            "unknown command \"health-check\"; did you mean \"healthcheck\"?",
        ),
        (&["--", "demo"], COMMANDS),
        (
            &["demo", "--config.fil", "x"],
            "unknown flag --config.fil; did you mean --web.config.file?",
        ),
        (
            &["explain", "--outptu", "json"],
            "unknown flag --outptu; did you mean --output?",
        ),
        (&["s3cret"], COMMANDS),
        (&["demo", "s3cret"], "unexpected argument"),
        (
            &["--cache.ttl", "soon"],
            "--cache.ttl <DURATION>: expected a duration such as 30s, 15m or 1h30m",
        ),
        (
            &["--cache.ttl"],
            "--cache.ttl <DURATION>: a value is missing",
        ),
        (
            &["--log.level", "loud"],
            "--log.level <LEVEL>: expected one of debug, info, warn, error",
        ),
        (
            &["--log.format", "xml"],
            "--log.format <FORMAT>: expected one of logfmt, json",
        ),
        (
            &["--log.level=info", "--log.level=warn"],
            "--log.level <LEVEL> is given more than once",
        ),
        (
            &["--web.max-requests", "-1"],
            "--web.max-requests <N>: expected a whole number",
        ),
        (
            &["--web.max-requests", "many"],
            "--web.max-requests <N>: expected a whole number",
        ),
        (
            &["--web.telemetry-path", "metrics"],
            "--web.telemetry-path <PATH>: must start with a slash",
        ),
        (
            &["--web.telemetry-path", "/-/metrics"],
            "--web.telemetry-path <PATH>: must not start with /-/, where health is served",
        ),
        (
            &["--web.telemetry-path", "/api/v1/profiles"],
            "--web.telemetry-path <PATH>: must not start with /api/, where the API is served",
        ),
        (
            &["--web.telemetry-path", "/calendar.ics"],
            "--web.telemetry-path <PATH>: must not be /probe, /sd, /calendar.ics or /profile, which serve something else",
        ),
        (&["--config.check=1"], "--config.check: takes no value"),
        (
            &["--web.telemetry-path", "/a/../b"],
            "--web.telemetry-path <PATH>: must be a plain path of letters, digits, - . _ ~ and slashes",
        ),
        (
            &["--web.telemetry-path", "/:metrics"],
            "--web.telemetry-path <PATH>: must be a plain path of letters, digits, - . _ ~ and slashes",
        ),
        (
            &["--web.listen-address=:x"],
            "--web.listen-address <ADDRESS>: expected HOST:PORT or :PORT",
        ),
        (
            &["--web.listen-address=127.0.0.1"],
            "--web.listen-address <ADDRESS>: expected HOST:PORT or :PORT",
        ),
        (
            &["--web.listen-address=vsock://:9100"],
            "--web.listen-address <ADDRESS>: expected HOST:PORT, :PORT or unix:///PATH",
        ),
        (
            &["--web.listen-address=::1:99"],
            "--web.listen-address <ADDRESS>: expected brackets around an IPv6 address, [::1]:PORT",
        ),
        (
            &["--web.external-url", "qlara"],
            "--web.external-url <URL>: expected an absolute URL or a path that starts with a slash",
        ),
        (
            &["--web.external-url", "//proxy.example/qlara"],
            "--web.external-url <URL>: the path must start with a single slash",
        ),
        (
            &["--web.external-url", "/qlara?s3cret"],
            "--web.external-url <URL>: the URL must end with its path: no query, no fragment",
        ),
        (
            &["--web.route-prefix", "qlara"],
            "--web.route-prefix <PATH>: must start with a slash",
        ),
        (
            &["--web.route-prefix", "/{a}"],
            "--web.route-prefix <PATH>: must be a plain path of letters, digits, - . _ ~ and slashes",
        ),
        (
            &["--web.route-prefix", "/a//b"],
            "--web.route-prefix <PATH>: must not contain an empty segment",
        ),
        (
            &["--qlara.account", " "],
            "--qlara.account <NAME>: must not be empty",
        ),
        (
            &["--web.external-url", "https://u:s3cret@proxy.example/"],
            "--web.external-url <URL>: the URL must not contain credentials",
        ),
        (
            &["--web.external-url", "https://s3cret@proxy.example/"],
            "--web.external-url <URL>: the URL must not contain credentials",
        ),
        (
            &["--web.external-url", "https://proxy.example/?s3cret"],
            "--web.external-url <URL>: the URL must end with its path: no query, no fragment",
        ),
        (
            &["--web.external-url", "https://proxy.example/#s3cret"],
            "--web.external-url <URL>: the URL must end with its path: no query, no fragment",
        ),
        (
            &["--web.listen-address", ":1", "demo"],
            "flags must come after the command",
        ),
        (
            &["demo", "--speed", "0"],
            "--speed <FACTOR>: expected a number from 1 to 1000000",
        ),
        (
            &["demo", "--schema", "uc017"],
            "--schema <SCHEMA>: expected one of uc-017, reference",
        ),
        (
            &["simulate", "--envelope", "xml"],
            "--envelope <ENVELOPE>: expected one of profiles, socials, jsend, jsend-array, array",
        ),
        (
            &["simulate", "--page-size", "0"],
            "--page-size <N>: expected a whole number from 1",
        ),
        (
            &["simulate", "--expired-channel", "200"],
            "--expired-channel <STATUS>: expected a whole number from 400 to 599",
        ),
        (
            &["simulate", "--fault", "boom"],
            "--fault <[SCOPE:]KIND[=ARGUMENT]>: not a fault, expected [SCOPE:]KIND[=ARGUMENT] such as status=503 or details/facebook:hang, with the scope list, details or details/PLATFORM and the kind latency=DURATION, status=CODE, retry-after=DURATION, jsend=fail, jsend=error, redirect=URL, hang, stall, reset, truncated, garbage, endless or gzip-bomb",
        ),
    ] {
        let (code, output, error) = run(exporter().args(arguments));
        let expected = if arguments[0] == "check" { 3 } else { 2 };
        assert_eq!((code, &*output), (expected, ""), "{arguments:?}");
        let advice = if line.ends_with('?') {
            ""
        } else {
            ", try --help"
        };
        assert_eq!(error, format!("qlara-exporter: error: {line}{advice}\n"));
    }
}

/// [configuration-exit-code]
#[test]
fn configuration_error_is_one_line_and_exit_code_2() {
    let (code, output, error) = run(&mut exporter());
    assert_eq!((code, output.as_str()), (2, ""));
    assert_eq!(
        error,
        "qlara-exporter: no API key: give one by --qlara.api-key-file (QLARA_API_KEY_FILE), QLARA_API_KEY, or accounts in --config.file\n"
    );
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(&file, "cache:\n  tttl: 1m\n").expect("a file");
    for check in [&[][..], &["--config.check"]] {
        let (code, output, error) = run(exporter().arg("--config.file").arg(&file).args(check));
        assert_eq!((code, output.as_str()), (2, ""));
        let place = format!("{}:2:3: cache", file.display());
        assert_eq!(
            error,
            format!("qlara-exporter: {place}: unknown key \"tttl\"; did you mean \"ttl\"?\n")
        );
    }
}

/// With JSON logs, an error at startup is a JSON line.
#[test]
fn startup_error_is_json_if_the_log_is() {
    let unusable: [&[&str]; 4] = [
        &["--log.format", "json", "--web.listen-addres", ":1"],
        &["--log.format=JSON", "--config.file", "/nowhere/qlara.yml"],
        &[
            "check",
            "--log.format=json",
            "--config.file",
            "/nowhere/qlara.yml",
        ],
        &["--log.format", "json", "--config.check"],
    ];
    for arguments in unusable {
        let (_, output, error) = run(exporter().args(arguments));
        assert_eq!(output, "", "{arguments:?}");
        let lines: Vec<serde_json::Value> = error
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect();
        assert_eq!(lines.len(), 1, "{arguments:?}: {error}");
        assert_eq!(lines[0]["level"], "ERROR", "{error}");
        assert!(
            lines[0]["msg"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{error}"
        );
    }
    let (code, _, error) = run(exporter().env("QLARA_LOG_FORMAT", "json").arg("--no-such"));
    assert_eq!(code, 2);
    assert!(error.starts_with('{'), "{error}");
}

#[test]
fn log_level_and_format_ignore_case() {
    for arguments in [
        ["--log.level=WARN", "--log.format=LogFmt"],
        ["--log.level=Debug", "--log.format=JSON"],
    ] {
        let mut command = exporter();
        command
            .env("QLARA_API_KEY", "x")
            .arg("--config.check")
            .args(arguments);
        assert_eq!(run(&mut command).0, 0, "{arguments:?}");
    }
}

/// Two cron jobs for two accounts without a configuration file write different series.
#[tokio::test]
async fn single_account_can_have_a_name() {
    let gateway = system_gateway().await;
    for name in ["brand-a", "brand b"] {
        let mut command = exporter();
        command
            .args(["check", "--output", "metrics", "--qlara.account", name])
            .args(["--qlara.url", &gateway.url()])
            .env("QLARA_API_KEY", API_KEY);
        let ran = run_beside(command).await;
        assert!(
            ran.output
                .contains(&format!("qlara_up{{account=\"{name}\"}} 1\n")),
            "{}",
            ran.output
        );
        let series = ran
            .output
            .lines()
            .filter(|line| line.starts_with("qlara_profile_"));
        assert!(series.clone().count() > 3);
        for line in series {
            assert!(line.contains(&format!("{{account=\"{name}\",")), "{line}");
        }
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, "accounts: [{name: a, api_key_env: QLARA_API_KEY}]").expect("written");
    let mut command = exporter();
    command
        .env("QLARA_API_KEY", "x")
        .env("QLARA_ACCOUNT", "b")
        .arg("--config.check")
        .arg("--config.file")
        .arg(file.path());
    let (code, _, error) = run(&mut command);
    assert_eq!(code, 2);
    assert!(
        error.contains("--qlara.account (QLARA_ACCOUNT): the configuration file names accounts"),
        "{error}"
    );
}

#[test]
fn config_check_accepts_a_good_configuration_and_exits() {
    let check = run(exporter().arg("--config.check").env("QLARA_API_KEY", "x"));
    assert_eq!(
        check,
        (
            0,
            "The configuration is good: 1 account\n".to_owned(),
            String::new()
        )
    );
}

#[test]
fn empty_variable_counts_as_unset() {
    let check = run(exporter()
        .env("QLARA_CONFIG_CHECK", "1")
        .env("QLARA_API_KEY", "x")
        .env("QLARA_CACHE_TTL", "")
        .env("QLARA_URL", "")
        .env("QLARA_CONFIG_FILE", ""));
    let good = "The configuration is good: 1 account\n".to_owned();
    assert_eq!(check, (0, good, String::new()));
    let (code, _, error) = run(exporter()
        .env("QLARA_CONFIG_CHECK", "")
        .env("QLARA_API_KEY", ""));
    assert_eq!(code, 2, "{error}");
}

/// [undecodable-key]
#[test]
fn key_that_is_not_utf8_is_rejected_without_its_value() {
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(&file, "accounts: [{name: a, api_key_env: OTHER}]").expect("a file");
    let key = OsStr::from_bytes(b"s3cret-\xff");
    let place = format!("{}:1:35: accounts[0].api_key_env", file.display());
    for (command, expected) in [
        (
            exporter().env("QLARA_API_KEY", key),
            "QLARA_API_KEY: its value is not UTF-8".to_owned(),
        ),
        (
            exporter().env("OTHER", key).env("QLARA_CONFIG_FILE", &file),
            format!("{place}: the environment variable OTHER is not UTF-8"),
        ),
    ] {
        let (code, _, error) = run(command);
        assert_eq!(code, 2, "{error}");
        assert_eq!(error, format!("qlara-exporter: {expected}\n"));
    }
}

#[test]
fn closed_output_pipe_is_no_failure() {
    let program = env!("CARGO_BIN_EXE_qlara-exporter");
    let (code, _, error) =
        run(std::process::Command::new("sh").args(["-c", &format!("{program} --help | true")]));
    assert_eq!((code, error.as_str()), (0, ""));
}

/// [address-in-use]
#[test]
fn address_in_use_is_exit_code_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let (code, _, error) = run(exporter()
        .args(["--web.listen-address", &address])
        .env("QLARA_API_KEY", "x"));
    assert_eq!(code, 1);
    let last = error.lines().last().expect("a line");
    assert_eq!(
        last,
        format!("qlara-exporter: listen {address}: Address already in use (os error 98)")
    );
}

#[test]
fn help_groups_flags_and_names_variables_without_values() {
    let (code, help, error) = run(exporter()
        .arg("--help")
        .env("QLARA_URL", "https://value.example")
        .env("COLUMNS", "80"));
    assert_eq!((code, error.as_str()), (0, ""));
    for heading in [
        "Commands:",
        "Configuration:",
        "Web:",
        "Gateway:",
        "Cache:",
        "Logging:",
    ] {
        assert!(help.contains(&format!("\n{heading}\n")), "{heading}");
    }
    assert!(!help.contains("value.example"));
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for flag in [
        "config.file",
        "config.check",
        "web.listen-address",
        "web.config.file",
        "web.telemetry-path",
        "web.max-requests",
        "web.external-url",
        "web.route-prefix",
        "qlara.account",
        "qlara.url",
        "qlara.api-key-file",
        "qlara.timeout",
        "cache.ttl",
        "cache.max-stale",
        "log.level",
        "log.format",
    ] {
        let variable = flag.to_uppercase().replace(['.', '-'], "_");
        let variable = format!("QLARA_{}", variable.trim_start_matches("QLARA_"));
        assert!(words.contains(&format!("--{flag}")), "{flag}");
        assert!(words.contains(&format!("[env: {variable}]")), "{variable}");
    }
    let (_, demo, _) = run(exporter()
        .args(["demo", "--help"])
        .env("QLARA_WEB_EXTERNAL_URL", "https://value.example"));
    assert!(!demo.contains("value.example"));
}

#[test]
fn version_output_follows_prometheus_tools() {
    let (code, version, _) = run(exporter().arg("--version"));
    assert_eq!(code, 0);
    let first = format!(
        "qlara-exporter, version {} (revision: ",
        env!("CARGO_PKG_VERSION")
    );
    assert!(version.starts_with(&first), "{version}");
}

#[tokio::test]
async fn every_setting_has_a_variable_and_the_default_command_serves() {
    let gateway: Gateway = system_gateway().await;
    let addresses = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let running = Running::start(
        exporter()
            .env("QLARA_API_KEY", API_KEY)
            .env("QLARA_URL", gateway.url())
            .env("QLARA_WEB_LISTEN_ADDRESS", addresses.join(","))
            .env("QLARA_WEB_TELEMETRY_PATH", "/variable")
            .env("QLARA_LOG_FORMAT", "json")
            .env("QLARA_CACHE_TTL", "1h"),
    );
    for address in &addresses {
        let url = format!("http://{address}/variable");
        let text = eventually("an answer", async || http().get(&url).send().await.ok())
            .await
            .text()
            .await
            .expect("a text");
        assert!(text.contains("\nqlara_up 1\n"), "{text}");
    }
    assert_eq!(
        gateway.stats().await.list,
        1,
        "both addresses share one cache"
    );
    assert!(
        running.output().starts_with("{\"time\":\""),
        "{}",
        running.output()
    );
}

#[tokio::test]
async fn demo_needs_no_settings_and_exits_cleanly() {
    for (signal, wait) in [("INT", true), ("TERM", false)] {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        // Both outputs go through one pipe, which keeps their order.
        let mut demo = std::process::Command::new("sh");
        let script = format!("exec \"$0\" demo --web.listen-address {address} 2>&1");
        demo.arg("-c").arg(script).arg(exporter().get_program());
        let demo = Running::start(&mut demo);
        let url = format!("http://{address}/metrics");
        eventually("the addresses to open", async || {
            let is_complete = demo.output().contains("Press Ctrl-C");
            (is_complete && demo.output().contains(&url)).then_some(())
        })
        .await;
        if wait {
            let start = demo.output();
            let text = http()
                .get(format!("http://{address}/metrics"))
                .send()
                .await
                .expect("a response");
            let text = text.text().await.expect("a text");
            assert!(text.contains("name=\"BrandCo Official\""), "{text}");
            // The text comes last, and names a command and the control endpoint, which work.
            let output = demo.output();
            let last_log_line = start.rfind("level=INFO").expect("a log line");
            let text = start.find("Three things to try").expect("the text");
            assert!(last_log_line < text, "{start}");
            let check = output.lines().find(|line| line.contains(" check "));
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", check.expect("a command")]);
            let checked = run_beside(shell).await;
            assert!(
                checked.output.contains("BrandCo Official"),
                "{}",
                checked.error
            );
            let control = output
                .split_whitespace()
                .find(|word| word.ends_with("/-/faults"))
                .expect("the control endpoint");
            let answer = http()
                .put(control)
                .body("status=503")
                .send()
                .await
                .expect("a response");
            assert_eq!(answer.text().await.expect("a text"), "status=503\n");
        }
        demo.signal(signal);
        let (status, output) = demo.wait();
        assert_eq!(status.code(), Some(0), "{output}");
    }
}

/// People who know other tools look for a flag for the key. It has none, because process lists show arguments.
#[test]
fn flag_for_the_key_is_answered_with_the_ways_to_give_it() {
    for (arguments, flag, code) in [
        (&["--api-key", "s3cret"][..], "--api-key", 2),
        (&["--api-key=s3cret"], "--api-key", 2),
        (&["--apikey", "s3cret"], "--apikey", 2),
        (&["--qlara.api-key=s3cret"], "--qlara.api-key", 2),
        (&["--token=s3cret"], "--token", 2),
        (&["--qlara.key", "s3cret"], "--qlara.key", 2),
        (&["check", "--qlara.token=s3cret"], "--qlara.token", 3),
        (&["check", "--api_key", "s3cret"], "--api_key", 3),
        (&["explain", "--key", "s3cret"], "--key", 2),
        (&["-api-key", "s3cret"], "-api-key", 2),
        (&["check", "-token=s3cret"], "-token", 3),
    ] {
        let (found, output, error) = run(exporter().args(arguments));
        assert_eq!((found, output.as_str()), (code, ""), "{arguments:?}");
        let expected = format!(
            "qlara-exporter: error: unknown flag {flag}: other users of this machine could read the key; set QLARA_API_KEY to the key, or write it to a file and name that with --qlara.api-key-file\n"
        );
        assert_eq!(error, expected);
    }
}

/// Older exporters accepted one dash before the name of a flag.
#[test]
fn one_dash_before_a_long_flag_is_answered_with_two() {
    for (arguments, line, code) in [
        (
            &["-config.file", "s3cret"][..],
            "unknown flag -config.file; did you mean --config.file?",
            2,
        ),
        (
            &["-confg.file=s3cret"],
            "unknown flag -confg.file; did you mean --config.file?",
            2,
        ),
        (
            &["-web.listen-address=:1"],
            "unknown flag -web.listen-address; did you mean --web.listen-address?",
            2,
        ),
        (
            &["--cache.ttl=1m", "-log.level", "debug"],
            "unknown flag -log.level; did you mean --log.level?",
            2,
        ),
        (
            &["-version"],
            "unknown flag -version; did you mean --version?",
            2,
        ),
        (
            &["-platform", "facebook"],
            "unknown flag -platform; did you mean \"check --platform\"?",
            2,
        ),
        (
            &["demo", "-log.levl=s3cret"],
            "unknown flag -log.levl; did you mean --log.level?",
            2,
        ),
        (
            &["check", "-account", "s3cret"],
            "unknown flag -account; did you mean --account?",
            3,
        ),
        // They begin with a short flag of `check`.
        (
            &["check", "-config.file", "s3cret"],
            "unknown flag -config.file; did you mean --config.file?",
            3,
        ),
        (
            &["check", "-w7d", "-confg.file=s3cret"],
            "unknown flag -confg.file; did you mean --config.file?",
            3,
        ),
        (
            &["check", "-verdict", "s3cret"],
            "unknown flag -verdict; did you mean --verdict?",
            3,
        ),
        (
            &["check", "-timeout=5"],
            "unknown flag -timeout; did you mean --timeout?",
            3,
        ),
        // A value is not repeated, even if it begins with a dash.
        (&["-ps3cret"], "unknown flag -p, try --help", 2),
        (&["-p=s3cret"], "unknown flag -p, try --help", 2),
        (&["-8s3cret"], "unknown flag, try --help", 2),
        (
            &["--cache.ttl", "-5"],
            "--cache.ttl <DURATION>: expected a duration such as 30s, 15m or 1h30m, try --help",
            2,
        ),
        (&["hash-password", "-s3cret"], "unknown flag, try --help", 2),
        (
            &["check", "-ws3cret"],
            "--warning <DURATION>: expected a duration such as 30s, 15m or 1h30m, or a range in seconds such as 604800:, try --help",
            3,
        ),
    ] {
        let (found, output, error) = run(exporter().args(arguments));
        assert_eq!((found, output.as_str()), (code, ""), "{arguments:?}");
        assert_eq!(error, format!("qlara-exporter: error: {line}\n"));
    }
}

/// They get as far as the missing key.
#[test]
fn short_flags_may_have_their_value_in_the_same_word() {
    for arguments in [
        &["-t5"][..],
        &["-t", "5"],
        &["-w7d", "-c=2d", "-v"],
        &["-vt5"],
    ] {
        let (code, _, error) = run(exporter().arg("check").args(arguments));
        assert_eq!(code, 3, "{arguments:?}");
        assert!(error.contains("QLARA_API_KEY"), "{arguments:?}: {error}");
    }
    for (short, long) in [
        ("-h", "Usage: qlara-exporter"),
        ("-V", "qlara-exporter, version"),
    ] {
        let (code, output, _) = run(exporter().arg(short));
        assert_eq!(code, 0, "{short}");
        assert!(output.contains(long), "{output}");
    }
}

/// Commands that need no key say which ones do.
#[test]
fn flag_for_a_key_that_a_command_does_not_need_is_answered() {
    for command in ["demo", "healthcheck"] {
        let (code, output, error) = run(exporter().args([command, "--api-key", "s3cret"]));
        assert_eq!((code, output.as_str()), (2, ""), "{command}");
        let expected = format!(
            "qlara-exporter: error: unknown flag --api-key: {command} takes no API key; other commands take it from QLARA_API_KEY, or from the file that --qlara.api-key-file names, try --help\n"
        );
        assert_eq!(
            error.replace(", try --help", ""),
            expected.replace(", try --help", "")
        );
    }
    let (_, _, error) = run(exporter().args(["check", "chek"]));
    let expected = "unexpected argument \"chek\" after \"check\"; did you mean \"check\"?";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn help_command_shows_the_help_of_a_command() {
    let help = |arguments: &[&str]| {
        let (code, output, error) = run(exporter().args(arguments));
        assert_eq!((code, error.as_str()), (0, ""), "{arguments:?}");
        output
    };
    assert_eq!(help(&["help"]), help(&["--help"]));
    for command in [
        "check",
        "explain",
        "demo",
        "simulate",
        "healthcheck",
        "hash-password",
        "generate",
    ] {
        assert_eq!(help(&["help", command]), help(&[command, "--help"]));
    }
}

#[test]
fn short_help_fits_on_a_screen_and_has_examples() {
    let help = |flag| run(exporter().arg(flag).env("COLUMNS", "80")).1;
    let (short, long) = (help("-h"), help("--help"));
    assert!(short.lines().count() <= 48, "{short}");
    assert!(long.lines().count() > 90, "{long}");
    for text in [
        "see more with '--help'",
        "--qlara.api-key-file",
        "\nExamples:\n",
        "  qlara-exporter demo  ",
        "  qlara-exporter --qlara.api-key-file FILE  ",
    ] {
        assert!(short.contains(text), "{text} in\n{short}");
    }
    assert!(!short.contains("--cache.ttl"), "{short}");
}

#[test]
fn short_help_of_commands_fits_on_a_screen_and_has_examples() {
    for (command, main, hidden) in [
        ("check", "--platform", "--exporter-ca-file"),
        ("explain", "--from", "--qlara.timeout"),
        ("demo", "--profiles", "--web.max-requests"),
        ("simulate", "--fault", "--envelope"),
        ("healthcheck", "--url", "--timeout"),
    ] {
        let help = |flag| run(exporter().args([command, flag]).env("COLUMNS", "80")).1;
        let (short, long) = (help("-h"), help("--help"));
        assert!(short.lines().count() <= 48, "{short}");
        assert!(short.contains("see more with '--help'"), "{short}");
        assert!(short.contains(main) && !short.contains(hidden), "{short}");
        assert!(long.contains(main) && long.contains(hidden), "{long}");
        for help in [&short, &long] {
            let (_, examples) = help.split_once("\nExamples:\n").expect("examples");
            let example = format!("qlara-exporter {command}");
            assert_eq!(examples.matches(&example).count(), 2, "{examples}");
            assert!(examples.lines().all(|line| line.len() <= 80), "{examples}");
        }
    }
}

/// Whatever the date, the dates of the simulated gateway are near.
#[tokio::test]
async fn simulated_gateway_has_healthy_profiles_on_every_date() {
    for today in [
        "2025-12-31T23:59:59Z",
        "2026-06-15T00:00:00Z",
        "2028-02-29T12:00:00Z",
        "2040-10-28T01:30:00Z",
    ] {
        for schema in [Schema::Uc017, Schema::Reference] {
            let clock = Arc::new(ManualClock::at(today));
            let options = Options {
                speed: Some(1.0),
                schema,
                ..Options::default()
            };
            let gateway = Gateway::start(options, Arc::clone(&clock) as Arc<dyn Clock>).await;
            let list = gateway.api("/socials").send().await.expect("a response");
            let list = list.text().await.expect("a text");
            let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
            let profiles = list["profiles"].as_array().expect("profiles");
            let fine = profiles.iter().filter(|profile| {
                profile["status"] == "CONNECTED" || profile["disconnected"] == false
            });
            let fine: Vec<_> = fine.collect();
            assert_eq!(fine.len(), 2, "{today}: {list}");
            let ends = fine
                .iter()
                .filter_map(|profile| profile["tokenExpiresAt"].as_str());
            for end in ends {
                let end = chrono::DateTime::parse_from_rfc3339(end).expect("RFC 3339");
                let left = (end.to_utc() - clock.now()).num_days();
                assert!((14..120).contains(&left), "{today}: {list}");
            }
        }
    }
}

#[tokio::test]
async fn simulate_and_check_work_together_as_documented() {
    let address = format!("127.0.0.1:{}", free_port());
    for (flags, token_end) in [
        (&[][..], None),
        (&["--documented-day"], Some("2026-06-14T22:00:00Z")),
    ] {
        let arguments = ["simulate", "--web.listen-address", &address];
        let running = Running::start(exporter().args(arguments).args(flags));
        eventually("its address", async || {
            running.output().contains(&address).then_some(())
        })
        .await;
        let mut check = exporter();
        let url = format!("http://{address}/api/v1/partner-gateway");
        check.args(["check", "--output", "json", "--qlara.url", &url]);
        let checked = run_beside({
            check.env("QLARA_API_KEY", "simulated");
            check
        })
        .await;
        let report: serde_json::Value = serde_json::from_str(&checked.output).expect("JSON");
        let profiles = report["profiles"].as_array().expect("profiles");
        let facebook = profiles
            .iter()
            .find(|profile| profile["platform"] == "facebook");
        let facebook = facebook.expect("a profile");
        let end = facebook["token_expires_at"].as_str().expect("a date");
        match token_end {
            Some(expected) => assert_eq!(end, expected),
            None => {
                assert_eq!(facebook["status"], "CONNECTED", "{report}");
                let end = chrono::DateTime::parse_from_rfc3339(end).expect("RFC 3339");
                assert!(
                    end > chrono::Utc::now() + chrono::TimeDelta::days(14),
                    "{report}"
                );
            }
        }
        running.signal("TERM");
        assert_eq!(running.wait().0.code(), Some(0));
    }
}

#[tokio::test]
async fn simulated_gateway_runs_alone() {
    let address = format!("127.0.0.1:{}", free_port());
    let arguments = [
        "simulate",
        "--web.listen-address",
        &address,
        "--profiles",
        "5",
        "--api-key",
        "mine",
        "--fault",
        "details:status=503",
    ];
    let running = Running::start(exporter().args(arguments));
    let base = eventually("its address", async || {
        running
            .output()
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .map(str::to_owned)
    })
    .await;
    assert_eq!(base, format!("http://{address}/api/v1/partner-gateway"));
    let ask = async |path: &str| {
        let request = http()
            .get(format!("{base}{path}"))
            .header("X-Api-Key", "mine");
        let answer = request
            .timeout(Duration::from_secs(60))
            .send()
            .await
            .expect("a response");
        (
            answer.status().as_u16(),
            answer.text().await.expect("a text"),
        )
    };
    let (status, list) = ask("/socials").await;
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!((status, &list["total"]), (200, &serde_json::json!(5)));
    assert_eq!(ask("/socials/facebook").await.0, 503);
    running.signal("TERM");
    assert_eq!(running.wait().0.code(), Some(0));
}

#[test]
fn help_says_that_the_second_schema_may_differ_from_the_real_gateway() {
    for command in ["demo", "simulate"] {
        let (_, help, _) = run(exporter().args([command, "--help"]));
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [
            "LinkedIn, Google and TikTok",
            "the prose of the API's reference page, and the real answers may differ",
            "[default: uc-017] [possible values: uc-017, reference]",
            "[default: profiles] [possible values: profiles, socials, jsend, jsend-array, array]",
            "--page-size <N>",
        ] {
            assert!(help.contains(text), "{command}: {text}");
        }
    }
}
