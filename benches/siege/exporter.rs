//! The release build of the exporter, in a memory-limited control group, with hanging name resolution.

use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader, PipeReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::process::{Process, Status};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

use crate::gateway::{GIANT, Gateway};
use crate::group::MemoryGroup;

/// Accounts of a healthy gateway.
pub const BRANDS: usize = 200;
/// Accounts whose gateway sends answers that become hundreds of megabytes of metrics.
pub const GIANTS: usize = 3;
/// Accounts whose gateway has a host name that hangs in name resolution.
const UNRESOLVABLE: usize = 40;
/// `cache.ttl` in seconds.
pub const TTL: u64 = 15;

/// Users whose passwords are cached before the siege: the first scrapes, the second belongs to the attackers.
pub const KNOWN_USERS: [&str; 2] = ["prometheus", "guest"];
/// Users who log in for the first time during the siege.
pub const NEWCOMERS: usize = 200;
/// The password of every user.
pub const PASSWORD: &str = "correct horse battery staple";

const BCRYPT_COST: u32 = 10;
/// Folder of the key files. Each account has its own key, so that the gateway can count its requests.
const KEYS: &str = "keys";

/// How clients connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP/1.1 without authentication.
    Http,
    /// TLS with HTTP/1.1 or HTTP/2, and HTTP Basic authentication.
    Https,
}

/// A running exporter.
pub struct Exporter {
    child: Child,
    pub scheme: Scheme,
    pub address: SocketAddr,
    /// Of `--web.probe-listen-address`.
    pub probes: SocketAddr,
    group: Option<MemoryGroup>,
    directory: TempDir,
    /// The configuration file without the part that each reload changes.
    configuration: String,
}

impl Exporter {
    /// Starts the exporter with [`BRANDS`] accounts of `gateway`, and the hostile ones if it will be `under_siege`.
    /// `memory` is the limit of its control group in bytes.
    pub fn start(scheme: Scheme, gateway: &Gateway, under_siege: bool, memory: u64) -> Exporter {
        let directory = TempDir::new().expect("a folder");
        let group = MemoryGroup::new(memory);
        if let Err(error) = &group {
            eprintln!("memory is measured, but not limited: no control group: {error}");
        }
        let group = group.ok();
        let configuration = configuration(directory.path(), gateway, under_siege);
        write_configuration(directory.path(), &configuration, 0);
        write_web_configuration(directory.path(), scheme);
        let (log, output) = std::io::pipe().expect("a pipe");
        let mut command = command(directory.path(), group.as_ref());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(output).spawn().expect("the exporter");
        // Closes this process's write end, so that the pipe ends with the exporter.
        drop(command);
        let mut log = BufReader::new(log);
        let (address, probes) = (next_address(&mut log), next_address(&mut log));
        // A full pipe would block the exporter.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Exporter {
            child,
            scheme,
            address,
            probes,
            group,
            directory,
            configuration,
        }
    }

    /// Reloads a configuration that changes every account.
    pub fn reload(&self, round: usize) {
        write_configuration(self.directory.path(), &self.configuration, round);
        // It may have ended.
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGHUP);
    }

    /// Peak resident memory in bytes; `None` if the exporter has exited.
    pub fn peak(&self) -> Option<u64> {
        self.status()?.vmhwm.map(|kibibytes| kibibytes * 1024)
    }

    /// Peak memory of the control group in bytes.
    pub fn peak_of_group(&self) -> Option<u64> {
        self.group.as_ref()?.peak()
    }

    /// Path of the self-signed server certificate.
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("server.crt")
    }

    fn status(&self) -> Option<Status> {
        Process::new(self.child.id() as i32).ok()?.status().ok()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the log up to the next "Listening on" line, and returns its address.
fn next_address(log: &mut BufReader<PipeReader>) -> SocketAddr {
    let mut all = String::new();
    loop {
        let read = log.read_line(&mut all).expect("a line");
        assert!(read > 0, "the exporter has ended: {all}");
        let line = all.lines().last().unwrap_or_default();
        if let Some((_, rest)) = line.split_once("address=") {
            let address = rest.split_whitespace().next().unwrap_or_default();
            return address.parse().expect("an address");
        }
    }
}

/// Runs the exporter in its own mount namespace, where `/etc/hosts` is the only source of host names and a FIFO
/// without a writer, so that `getaddrinfo` hangs.
fn command(directory: &Path, group: Option<&MemoryGroup>) -> Command {
    const PREPARE: &str = r#"
        cd "$1"; shift
        echo 'hosts: files' > nsswitch.conf
        mkfifo pipe
        mount --bind nsswitch.conf /etc/nsswitch.conf
        mount --bind pipe /etc/hosts
        exec "$@""#;
    let members = group.map_or(PathBuf::from("/dev/null"), MemoryGroup::members);
    let mut command = Command::new("sh");
    command
        .args(["-ec", r#"echo $$ > "$0"; exec "$@""#])
        .arg(members);
    command.args(["unshare", "--map-root-user", "--mount"]);
    command.args(["sh", "-ec", PREPARE, "sh"]).arg(directory);
    command.arg(env!("CARGO_BIN_EXE_qlara-exporter"));
    command.args(["--config.file", "qlara.yml", "--web.config.file", "web.yml"]);
    command.args(["--web.listen-address", "127.0.0.1:0"]);
    command.args(["--web.probe-listen-address", "127.0.0.1:0"]);
    let variables = std::env::vars();
    for (name, _) in variables.filter(|(name, _)| name.starts_with("QLARA_")) {
        command.env_remove(name);
    }
    command
}

fn configuration(directory: &Path, gateway: &Gateway, under_siege: bool) -> String {
    fs::create_dir(directory.join(KEYS)).expect("a folder");
    let mut text = format!(
        "gateway: {{url: '{}', allow_http: true}}\ncache: {{ttl: {TTL}s}}\naccounts:\n",
        gateway.url("127.0.0.1")
    );
    let mut add = |name: String, more: String| {
        fs::write(directory.join(KEYS).join(&name), &name).expect("a key");
        writeln!(
            text,
            "- {{name: {name}, api_key_file: {KEYS}/{name}{more}}}"
        )
        .expect("a text");
    };
    for number in 0..BRANDS {
        add(brand(number), String::new());
    }
    if under_siege {
        for number in 0..GIANTS {
            add(format!("{GIANT}{number}"), String::new());
        }
        for number in 0..UNRESOLVABLE {
            let url = gateway.url(&format!("{number}.example"));
            add(
                format!("unresolvable-{number}"),
                format!(", gateway: {{url: '{url}'}}"),
            );
        }
    }
    text
}

/// Name and API key of a healthy account.
pub fn brand(number: usize) -> String {
    format!("brand-{number}")
}

fn write_configuration(directory: &Path, configuration: &str, round: usize) {
    let text = format!("{configuration}permissions: {{facebook: [permission_{round}]}}\n");
    // Atomic, because the exporter may be reading the file.
    fs::write(directory.join("next.yml"), text).expect("a file");
    fs::rename(directory.join("next.yml"), directory.join("qlara.yml")).expect("a file");
}

fn write_web_configuration(directory: &Path, scheme: Scheme) {
    let mut text = String::new();
    if scheme == Scheme::Https {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).expect("a certificate");
        fs::write(directory.join("server.crt"), cert.pem()).expect("a file");
        fs::write(directory.join("server.key"), signing_key.serialize_pem()).expect("a file");
        text.push_str(
            "tls_server_config: {cert_file: server.crt, key_file: server.key}\nbasic_auth_users:\n",
        );
        let hash = bcrypt::hash(PASSWORD, BCRYPT_COST).expect("a hash");
        let newcomers = (0..NEWCOMERS).map(|number| format!("newcomer-{number}"));
        for user in KNOWN_USERS.map(str::to_owned).into_iter().chain(newcomers) {
            writeln!(text, "  {user}: {hash}").expect("a text");
        }
    }
    fs::write(directory.join("web.yml"), text).expect("a file");
}
