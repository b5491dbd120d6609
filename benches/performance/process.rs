//! Server processes, and their CPU time and memory from `/proc`.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use exporter_toolkit::metrics_format::Format;

use crate::options::Sends;
use crate::world::Form;

/// The unit of CPU times in `/proc`, `USER_HZ`, which is 100 on all common Linux platforms.
const TICKS_PER_SECOND: f64 = 100.0;

/// A server that runs until this is dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    /// Keeps the read end of the pipe open, so that the server can go on writing its log.
    _output: Box<dyn Read + Send>,
}

/// The exporter on a free port, without the exporter's variables of this environment.
pub fn exporter() -> Command {
    exporter_at(Path::new(env!("CARGO_BIN_EXE_qlara-exporter")))
}

/// Like [`exporter`], with another build.
pub fn exporter_at(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QLARA_")) {
        command.env_remove(name);
    }
    command
        .args(["--web.listen-address", "127.0.0.1:0"])
        .env("QLARA_API_KEY", "simulated");
    command
}

/// This program as a gateway.
pub fn gateway(profiles: usize) -> Command {
    let mut command = this_program();
    command.args(["gateway", &profiles.to_string()]);
    command
}

/// This program as a floor.
pub fn floor(sends: Sends, form: &Form) -> Command {
    let sends = match sends {
        Sends::Plain => "plain",
        Sends::Gzip => "gzip",
        Sends::Compressing => "compressing",
    };
    let mut command = this_program();
    command.args(["floor", sends]).arg(&form.body);
    if form.format == Format::OpenMetrics {
        command.arg("--open-metrics");
    }
    command
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("a program"))
}

impl Process {
    /// Starts a server and waits until it prints `address=…`, in its log or on standard output.
    pub fn start(command: &mut Command) -> Process {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone().expect("a pipe"))
            .stderr(writer);
        let child = command.spawn().expect("a server");
        // Closes the write ends of this process, so that reading ends when the server dies.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut output = BufReader::new(reader);
        let mut log = String::new();
        let address = loop {
            let read = output.read_line(&mut log).expect("a line");
            assert!(read > 0, "the server ended: {log}");
            let line = log.lines().last().unwrap_or_default();
            if let Some((_, rest)) = line.split_once("address=") {
                let address = rest.split_whitespace().next().unwrap_or_default();
                break address.parse().expect("an address");
            }
        };
        Process {
            child,
            address,
            _output: Box::new(output),
        }
    }

    /// CPU time of the process so far.
    pub fn cpu(&self) -> Duration {
        let stat = self.read("stat");
        // The name of the program, in parentheses, may contain spaces and parentheses.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks
            .map(|field| field.parse::<f64>().expect("ticks"))
            .sum();
        Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// Peak resident memory in bytes.
    pub fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kibibytes.expect("a size") * 1024
    }

    fn read(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        std::fs::read_to_string(path).expect("a running process")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
