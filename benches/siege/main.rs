//! Attacks the release build from both sides: by clients and by a broken, hostile gateway.
//!
//! `cargo bench --bench siege -- --minutes 10` runs the exporter in a control group with the memory limit of
//! `deploy/kubernetes`: over HTTP and HTTPS, each first without attack and then under siege. It prints peak
//! memory, response times of health checks, scrapes and first logins, and the requests that reach the gateway.
//! It exits with 1 if a bound of `docs/reliability.md` does not hold. It needs Linux, and root for the control
//! group and the mount namespace.

mod attack;
mod clients;
mod exporter;
mod gateway;
mod group;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::time::{Instant, interval};

use exporter::{Exporter, Scheme};
use gateway::Gateway;
use report::Phase;

/// Time between two reloads, each of which changes every account.
const RELOAD: Duration = Duration::from_secs(20);
/// Share of the time without attackers.
const BASELINE: f64 = 0.2;

/// Attacks the exporter from both sides.
#[derive(Debug, Parser)]
struct Options {
    /// Duration of all runs together, without start-up.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Memory limit of the exporter in MiB.
    #[arg(long, default_value_t = 256)]
    memory: u64,
    /// Passed by Cargo.
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// Role of a child process.
#[derive(Debug, Subcommand)]
#[command(hide = true)]
enum Role {
    /// The attackers.
    Attack {
        address: SocketAddr,
        certificate: Option<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    rlimit::increase_nofile_limit(u64::MAX).expect("a limit of files");
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().expect("no other provider");
    match options.role {
        Some(Role::Attack {
            address,
            certificate,
        }) => {
            attack::attack(address, certificate).await;
            ExitCode::SUCCESS
        }
        None => siege(&options).await,
    }
}

async fn siege(options: &Options) -> ExitCode {
    let time = Duration::from_secs_f64(options.minutes * 60.0 / 2.0);
    let memory = options.memory * 1024 * 1024;
    let gateway = Gateway::start().await;
    let mut phases = Vec::new();
    for scheme in [Scheme::Http, Scheme::Https] {
        for (under_siege, share) in [(false, BASELINE), (true, 1.0 - BASELINE)] {
            let exporter = Exporter::start(scheme, &gateway, under_siege, memory);
            phases.push(phase(exporter, &gateway, under_siege, time.mul_f64(share)).await);
        }
    }
    report::print(&phases);
    let broken: Vec<String> = phases
        .iter()
        .flat_map(|phase| phase.broken(memory))
        .collect();
    for broken in &broken {
        println!("does not hold: {broken}");
    }
    match broken.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

async fn phase(exporter: Exporter, gateway: &Gateway, under_siege: bool, time: Duration) -> Phase {
    clients::warm_up(&exporter).await;
    gateway.begin(under_siege);
    let attackers = under_siege.then(|| Attackers::start(&exporter));
    let end = Instant::now() + time;
    let (seen, ()) = tokio::join!(clients::run(&exporter, end), reload(&exporter, end));
    drop(attackers);
    Phase {
        scheme: exporter.scheme,
        under_siege,
        time,
        seen,
        counts: gateway.counts(),
        peak: exporter.peak(),
        peak_of_group: exporter.peak_of_group(),
    }
}

async fn reload(exporter: &Exporter, end: Instant) {
    let mut ticks = interval(RELOAD);
    for round in 0.. {
        ticks.tick().await;
        if Instant::now() >= end {
            break;
        }
        exporter.reload(round);
    }
}

/// The attackers' process.
struct Attackers(Child);

impl Attackers {
    fn start(exporter: &Exporter) -> Attackers {
        let program = std::env::current_exe().expect("a program");
        let mut command = Command::new(program);
        command.args(["attack", &exporter.address.to_string()]);
        if exporter.scheme == Scheme::Https {
            command.arg(exporter.certificate());
        }
        Attackers(command.spawn().expect("attackers"))
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
