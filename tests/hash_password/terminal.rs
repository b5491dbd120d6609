//! `hash-password` at a terminal, which `script` (util-linux) provides.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::is_of;
use crate::harness::tools::needs;

const PROGRAM: &str = concat!(
    env!("CARGO_BIN_EXE_qlara-exporter"),
    " hash-password --cost 4"
);

/// Runs a shell script at a terminal.
struct Terminal {
    script: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<String>>,
}

impl Terminal {
    fn run(commands: &str) -> Terminal {
        let mut script = Command::new("script")
            .args(["-qec", commands, "/dev/null"])
            .env("SHELL", "/bin/bash")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script");
        let screen = Arc::new(Mutex::new(String::new()));
        let mut output = script.stdout.take().expect("an output");
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown
                    .lock()
                    .push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Terminal {
            keyboard: script.stdin.take().expect("an input"),
            script,
            screen,
        }
    }

    /// Waits until the terminal shows the text, then types the keys.
    fn after(&mut self, text: &str, keys: &str) {
        self.wait_for(text);
        self.keyboard.write_all(keys.as_bytes()).expect("typed");
    }

    fn wait_for(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.screen.lock().contains(text) {
            assert!(Instant::now() < deadline, "no {text:?}: {}", self.shown());
            sleep(Duration::from_millis(10));
        }
    }

    fn shown(&self) -> String {
        self.screen.lock().clone()
    }

    /// Everything that the terminal showed until the script ended, and its exit code.
    fn end(mut self, last: &str) -> (Option<i32>, String) {
        self.wait_for(last);
        let status = self.script.wait().expect("an end");
        (status.code(), self.shown())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The process has usually ended.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

#[test]
fn password_is_asked_twice_without_echo() {
    needs!("script", "bash");
    let mut terminal = Terminal::run(PROGRAM);
    terminal.after("Password: ", "s3cret\n");
    terminal.after("Repeat the password: ", "s3cret\n");
    let (code, shown) = terminal.end("$2b$04$");
    assert_eq!(code, Some(0));
    let hash = shown
        .strip_prefix("Password: \r\nRepeat the password: \r\n")
        .unwrap_or_else(|| panic!("{shown}"));
    assert!(is_of("s3cret", hash.trim_end()), "{shown}");
}

#[test]
fn prompts_are_not_in_the_output() {
    needs!("script", "bash");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hash");
    let mut terminal = Terminal::run(&format!("{PROGRAM} >{}; echo end", file.display()));
    terminal.after("Password: ", "s3cret\n");
    terminal.after("Repeat the password: ", "s3cret\n");
    terminal.end("end");
    let hash = std::fs::read_to_string(&file).expect("a hash");
    assert!(is_of("s3cret", hash.trim_end()), "{hash}");
}

/// [invalid-password]
#[test]
fn different_passwords_are_an_error() {
    needs!("script", "bash");
    for repeated in ["s3cre\n", "\n", "s3cret \n"] {
        let mut terminal = Terminal::run(PROGRAM);
        terminal.after("Password: ", "s3cret\n");
        terminal.after("Repeat the password: ", repeated);
        let (code, shown) = terminal.end("differ");
        assert_eq!(code, Some(2), "{shown}");
        assert!(
            shown.ends_with("\r\nqlara-exporter: the passwords differ\r\n"),
            "{shown}"
        );
        assert!(!shown.contains("s3cre"), "{shown}");
    }
}

#[test]
fn invalid_password_is_not_asked_again() {
    needs!("script", "bash");
    for (keys, message) in [
        ("\n", "the password is empty"),
        // Ctrl-D.
        ("\u{4}", "no password: the input is empty"),
    ] {
        let mut terminal = Terminal::run(PROGRAM);
        terminal.after("Password: ", keys);
        let (code, shown) = terminal.end(message);
        assert_eq!(code, Some(2), "{shown}");
        assert_eq!(
            shown,
            format!("Password: \r\nqlara-exporter: {message}\r\n")
        );
    }
}

/// The terminal's settings after the program was ended by a signal.
fn echo_after(end: impl FnOnce(&mut Terminal)) -> String {
    // The shell survives Ctrl-C, so it can print the settings.
    let mut terminal = Terminal::run(&format!(
        "trap : INT QUIT; sh -c 'echo pid $$,; exec {PROGRAM}'; echo code $?; stty -a; echo end"
    ));
    end(&mut terminal);
    terminal.end("end\r\n").1
}

/// [terminal-echo]
#[test]
fn signal_at_the_prompt_restores_the_echo() {
    needs!("script", "bash");
    let interrupted =
        |keys: &'static str| move |terminal: &mut Terminal| terminal.after("Password: ", keys);
    let at_the_second = |terminal: &mut Terminal| {
        terminal.after("Password: ", "s3cret\n");
        terminal.after("Repeat the password: ", "s3c\u{3}");
    };
    let killed = |terminal: &mut Terminal| {
        terminal.wait_for("Password: ");
        let shown = terminal.shown();
        let pid = shown.split(['d', ',']).nth(1).expect("a process id").trim();
        let mut kill = Command::new("sh");
        let status = kill.args(["-c", "kill \"$0\"", pid]).status().expect("sh");
        assert!(status.success());
    };
    for (shown, code) in [
        // Ctrl-C and Ctrl-\.
        (echo_after(interrupted("s3cret\u{3}")), 130),
        (echo_after(interrupted("\u{1c}")), 131),
        (echo_after(at_the_second), 130),
        (echo_after(killed), 143),
    ] {
        assert!(shown.contains(&format!("code {code}\r\n")), "{shown}");
        let settings = shown.split_once("speed").expect("settings").1;
        assert!(settings.contains(" echo "), "{shown}");
        assert!(!shown.contains("s3c"), "{shown}");
    }
}

/// After a stop, the shell has its echo; after a continue, the program has none.
/// [terminal-echo]
#[test]
fn suspending_at_the_prompt_restores_the_echo_until_resume() {
    needs!("script", "bash");
    let mut terminal = Terminal::run(&format!(
        "set -m; {PROGRAM}; stty -a; echo stopped; fg; stty -a; echo end"
    ));
    terminal.after("Password: ", "\u{1a}");
    terminal.wait_for("stopped\r\n");
    let stopped = terminal.shown();
    assert!(stopped.contains(" echo "), "{stopped}");
    terminal.after(&format!("{PROGRAM}\r\nPassword: "), "s3cret\n");
    terminal.after("Repeat the password: ", "s3cret\n");
    let (_, shown) = terminal.end("end\r\n");
    assert_eq!(shown.matches(" echo ").count(), 2, "{shown}");
    assert!(
        shown.contains("$2b$04$") && !shown.contains("s3cret"),
        "{shown}"
    );
}
