//! Man pages and completions: complete, accepted by their tools, and independent of the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::process::{exporter, run};
use crate::harness::tools::needs;

const COMMANDS: [&str; 8] = [
    "",
    "check",
    "demo",
    "explain",
    "simulate",
    "healthcheck",
    "hash-password",
    "generate",
];

struct Generated(TempDir);

impl Generated {
    fn new() -> Generated {
        Generated::by(&mut exporter())
    }

    fn by(exporter: &mut Command) -> Generated {
        let folder = TempDir::new().expect("a folder");
        let end = run(exporter.arg("generate").arg(folder.path().join("new")));
        assert_eq!(end, (0, String::new(), String::new()));
        Generated(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("new").join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The contents of the files, by path.
    fn files(&self) -> BTreeMap<String, String> {
        let names = |folder: &str| {
            let entries = std::fs::read_dir(self.path(folder)).expect("a folder");
            entries
                .map(|entry| {
                    let name = entry.expect("a file").file_name();
                    format!("{folder}/{}", name.into_string().expect("UTF-8"))
                })
                .collect::<Vec<_>>()
        };
        let names = [names("man"), names("completions")].concat();
        let texts = names.into_iter().map(|name| {
            let text = self.read(&name);
            (name, text)
        });
        texts.collect()
    }
}

fn man_page(command: &str) -> String {
    match command {
        "" => "man/qlara-exporter.1".to_owned(),
        _ => format!("man/qlara-exporter-{command}.1"),
    }
}

/// The long flags in the help of a command.
fn flags(command: &str) -> Vec<String> {
    let words = [command, "--help"].into_iter();
    let help = run(exporter().args(words.filter(|word| !word.is_empty()))).1;
    let lines = help.lines().map(str::trim_start);
    let flags = lines.filter_map(|line| {
        let (_, flag) = line.split_at(line.starts_with('-').then(|| line.find("--"))??);
        flag.split([' ', ',']).next().map(str::to_owned)
    });
    let flags: Vec<String> = flags.collect();
    assert!(flags.contains(&"--help".to_owned()), "{help}");
    flags
}

/// Runs a tool that must print nothing.
fn assert_silent(tool: &[&str], file: &Path) {
    let end = run(Command::new(tool[0]).args(&tool[1..]).arg(file));
    assert_eq!(end, (0, String::new(), String::new()), "{tool:?} {file:?}");
}

#[test]
fn every_command_has_a_man_page_and_completions() {
    let files = Generated::new().files();
    let mut expected: Vec<String> = COMMANDS.map(man_page).to_vec();
    expected.extend(
        [
            "_qlara-exporter",
            "qlara-exporter.bash",
            "qlara-exporter.fish",
        ]
        .map(|name| format!("completions/{name}")),
    );
    expected.sort();
    assert_eq!(files.keys().cloned().collect::<Vec<_>>(), expected);
    let help = run(exporter().arg("--help")).1;
    for command in &COMMANDS[1..] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
    }
    let commands = help.split_once("\nCommands:\n").expect("commands").1;
    let commands = commands.split_once("\n\n").expect("an end").0.lines();
    let named = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    // `help` has no page and no flags of its own.
    let named: Vec<&str> = named.filter(|line| !line.starts_with("  help ")).collect();
    assert_eq!(named.len(), COMMANDS.len() - 1);
}

#[test]
fn every_flag_is_in_man_pages_and_completions() {
    let generated = Generated::new();
    for command in COMMANDS {
        let page = generated.read(&man_page(command)).replace("\\-", "-");
        for flag in flags(command) {
            let bold = format!("\\fB{flag}\\fR");
            assert!(page.contains(&bold), "{command}: {flag}");
            let bare = &flag[2..];
            for (shell, word) in [
                ("_qlara-exporter", flag.clone()),
                ("qlara-exporter.bash", flag.clone()),
                ("qlara-exporter.fish", format!("-l {bare} ")),
            ] {
                let text = generated.read(&format!("completions/{shell}"));
                assert!(text.contains(&word), "{shell}: {word}");
            }
        }
    }
}

#[test]
fn output_does_not_depend_on_the_environment() {
    let plain = Generated::new().files();
    let set = Generated::by(
        exporter()
            .env("QLARA_URL", "https://value.example")
            .env("QLARA_CACHE_TTL", "")
            .env("QLARA_CONFIG_FILE", "/value")
            .env("COLUMNS", "40")
            .env("LANG", "de_DE.UTF-8"),
    );
    assert!(plain == set.files());
    assert!(plain["man/qlara-exporter.1"].contains("QLARA_CACHE_TTL"));
}

#[test]
fn groff_and_the_shells_accept_the_files() {
    needs!("groff", "bash", "zsh", "fish");
    let generated = Generated::new();
    for command in COMMANDS {
        let page = generated.path(&man_page(command));
        assert_silent(&["groff", "-man", "-Tutf8", "-ww", "-z"], &page);
    }
    for (tool, file) in [
        (["bash", "-n"], "qlara-exporter.bash"),
        (["zsh", "-n"], "_qlara-exporter"),
        (["fish", "-n"], "qlara-exporter.fish"),
    ] {
        assert_silent(&tool, &generated.path(&format!("completions/{file}")));
    }
}

#[test]
fn bash_completes_commands_flags_and_values() {
    needs!("bash");
    let generated = Generated::new();
    let file = generated.path("completions/qlara-exporter.bash");
    let script = r#"
        source "$0"
        COMP_WORDS=(qlara-exporter "$@")
        COMP_CWORD=$#
        complete=$(complete -p qlara-exporter)
        complete=${complete#*-F }
        ${complete%% *} qlara-exporter "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        echo "${COMPREPLY[*]}"
    "#;
    for (words, replies) in [
        (&["hea"][..], "healthcheck"),
        (&["--config"], "--config.file --config.check"),
        (&["--log.format", ""], "logfmt json"),
        (&["check", "--output", "n"], "nagios"),
    ] {
        let bash = &mut Command::new("bash");
        let (code, output, error) = run(bash.args(["-c", script]).arg(&file).args(words));
        assert_eq!((code, error.as_str()), (0, ""), "{words:?}");
        assert_eq!(output.trim_end(), replies, "{words:?}");
    }
}

#[test]
fn fish_completes_commands_flags_and_values() {
    needs!("fish");
    let generated = Generated::new();
    let file = generated.path("completions/qlara-exporter.fish");
    for (line, replies) in [
        ("hea", &["healthcheck"][..]),
        ("help che", &["check"]),
        (
            "",
            &[
                "check",
                "demo",
                "explain",
                "generate",
                "hash-password",
                "healthcheck",
                "help",
                "simulate",
            ],
        ),
        ("--config", &["--config.check", "--config.file"]),
        ("--web.l", &["--web.listen-address"]),
        ("--log.level ", &["debug", "error", "info", "warn"]),
        ("--log.format json hea", &["healthcheck"]),
        ("check --out", &["--output", "--output-file"]),
        ("--config.file x check --output n", &["nagios"]),
    ] {
        let script = format!("source $argv; complete -C 'qlara-exporter {line}'");
        let fish = &mut Command::new("fish");
        let (code, output, error) = run(fish.args(["-N", "-c", &script]).arg(&file));
        assert_eq!((code, error.as_str()), (0, ""), "{line}");
        // A description follows after a tab.
        let words = output.lines().filter_map(|line| line.split('\t').next());
        assert_eq!(words.collect::<Vec<_>>(), replies, "{line}");
    }
}

#[test]
fn unwritable_folder_is_exit_code_1() {
    let (code, output, error) = run(exporter().args(["generate", "/dev/null/here"]));
    assert_eq!((code, output.as_str()), (1, ""));
    let line = "qlara-exporter: cannot write /dev/null/here/man: Not a directory (os error 20)\n";
    assert_eq!(error, line);
}
