//! Linux namespaces, in which a test may break the network and name resolution.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::process::{Running, exporter, run};
use super::scrape::Scrape;
use super::{API_KEY, eventually};

/// The address of the exporter inside the namespace.
const EXPORTER: &str = "127.0.0.1:10017";

/// A network and a mount namespace, which exists until it is dropped or the test ends.
pub struct Namespace {
    /// A process that reads standard input until its end, to keep the namespace.
    holder: Child,
}

impl Namespace {
    /// A namespace with only a loopback interface.
    pub fn new() -> Namespace {
        let mut holder = Command::new("unshare")
            .args(["--map-root-user", "--net", "--mount", "sh", "-c"])
            .arg("ip link set lo up && echo ready && exec cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut ready = String::new();
        let output = holder.stdout.take().expect("an output");
        let read = BufReader::new(output).read_line(&mut ready);
        read.expect("a line");
        assert_eq!(ready, "ready\n");
        Namespace { holder }
    }

    /// Runs a command inside the namespace.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside
            .args(["--user", "--net", "--mount", "--preserve-credentials"])
            .args(["--target", &self.holder.id().to_string()])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// Runs a shell script and returns its output.
    pub fn sh(&self, script: &str) -> String {
        let mut sh = Command::new("sh");
        let (code, output, error) = run(&mut self.inside(sh.args(["-ec", script])));
        assert_eq!(code, 0, "{script}: {error}");
        output
    }

    /// Starts the program with these arguments; it runs until it is dropped.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut program = exporter();
        program.args(arguments).env("QLARA_API_KEY", API_KEY);
        Running::start(&mut self.inside(&program))
    }

    /// The body at this path, or `None` if the status is not 200.
    pub fn get(&self, path: &str) -> Option<String> {
        self.get_with(path, "Accept: */*")
    }

    /// The same, with this request header.
    pub fn get_with(&self, path: &str, header: &str) -> Option<String> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--max-time", "20"]);
        curl.args(["--header", header]);
        curl.arg(format!("http://{EXPORTER}{path}"));
        let (code, output, _) = run(&mut self.inside(&curl));
        (code == 0).then_some(output)
    }

    /// One scrape.
    pub fn scrape(&self) -> Scrape {
        Scrape::parse(self.get("/metrics").expect("a response"))
    }

    /// Waits until the exporter serves.
    pub async fn exporter_serves(&self) {
        eventually("an exporter", async || self.get("/-/healthy")).await;
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
