//! The real program and Prometheus' real tools.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parking_lot::Mutex;

pub use super::toolkit::process::run;

/// A program that runs until the test ends.
///
/// If the test fails, it prints the last lines of the program's output.
pub struct Running {
    program: String,
    child: Child,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// The exporter's program, without variables of the test's environment that it would read.
pub fn exporter() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qlara-exporter"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("QLARA_") || name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
}

/// Exit code and output of a program.
pub struct CommandOutput {
    pub code: i32,
    pub output: String,
    pub error: String,
}

/// Runs a program to its end on another thread, because its server runs on this test's only thread.
pub async fn run_beside(mut command: Command) -> CommandOutput {
    let ran = tokio::task::spawn_blocking(move || run(&mut command));
    let (code, output, error) = ran.await.expect("a program that ran");
    CommandOutput {
        code,
        output,
        error,
    }
}

/// Runs a program with this standard input to its end.
pub fn run_with_input(command: &mut Command, input: &str) -> (i32, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    child
        .stdin
        .take()
        .expect("an input")
        .write_all(input.as_bytes())
        .expect("written");
    let output = child.wait_with_output().expect("an end");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().expect("an exit code"),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

impl Running {
    /// Starts a program and collects both of its outputs.
    pub fn start(command: &mut Command) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = Arc::new(Mutex::new(String::new()));
        let readers = vec![
            collect(child.stdout.take().expect("an output"), Arc::clone(&output)),
            collect(child.stderr.take().expect("an output"), Arc::clone(&output)),
        ];
        Running {
            program: command.get_program().to_string_lossy().into_owned(),
            child,
            output,
            readers,
        }
    }

    /// The output so far.
    pub fn output(&self) -> String {
        self.output.lock().clone()
    }

    fn last_lines(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let signal: Signal = format!("SIG{name}").parse().expect("a signal");
        let id = self.id().try_into().expect("a process id");
        kill(Pid::from_raw(id), signal).expect("a running process");
    }

    /// Waits for the end. Returns exit status and output.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("an end");
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader");
        }
        (status, self.output())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}:\n{}", self.program, self.last_lines());
        }
    }
}

fn collect(from: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut output = into.lock();
            output.push_str(&line);
            output.push('\n');
        }
    })
}
