//! The servers and files that all measurements with one number of profiles share.

use std::path::{Path, PathBuf};
use std::process::Command;

use gateway_simulator::PREFIX;
use tempfile::TempDir;

use crate::client::{Request, fetch};
use crate::process::{self, Process};

/// The path of the metrics.
pub const METRICS: &str = "/metrics";
/// The paths that a refresh requests: the list, then the details.
pub const API_PATHS: [&str; 4] = [
    "/socials",
    "/socials/facebook",
    "/socials/instagram",
    "/socials/whatsapp",
];

/// A gateway, an exporter that has read it once, and the exporter's responses.
pub struct World {
    pub profiles: usize,
    pub gateway: Process,
    /// Its data does not expire during the measurement.
    pub exporter: Process,
    /// The exporter's response without compression, in a file for the floors.
    pub plain: PathBuf,
    /// The response with gzip.
    pub gzip: PathBuf,
    _directory: TempDir,
}

impl World {
    pub async fn of(profiles: usize) -> World {
        let gateway = Process::start(&mut process::gateway(profiles));
        let exporter = Process::start(&mut exporter_of(process::exporter(), &gateway, "1h"));
        let directory = tempfile::tempdir().expect("a folder");
        let (plain, gzip) = (Request::plain(METRICS), Request::gzip(METRICS));
        World {
            profiles,
            plain: save(&exporter, &plain, directory.path().join("plain")).await,
            gzip: save(&exporter, &gzip, directory.path().join("gzip")).await,
            gateway,
            exporter,
            _directory: directory,
        }
    }

    /// The command of another exporter with the same gateway.
    pub fn exporter(&self, ttl: &str) -> Command {
        exporter_of(process::exporter(), &self.gateway, ttl)
    }

    /// Like [`World::exporter`], with another build.
    pub fn exporter_at(&self, program: &Path, ttl: &str) -> Command {
        exporter_of(process::exporter_at(program), &self.gateway, ttl)
    }
}

async fn save(exporter: &Process, request: &Request, path: PathBuf) -> PathBuf {
    std::fs::write(&path, fetch(exporter.address, request).await).expect("a file");
    path
}

fn exporter_of(mut command: Command, gateway: &Process, ttl: &str) -> Command {
    command
        .args(["--cache.ttl", ttl, "--qlara.timeout", "1m"])
        .args(["--qlara.url", &url_of(gateway)]);
    command
}

/// The base URL of the API.
pub fn url_of(gateway: &Process) -> String {
    format!("http://{}{PREFIX}", gateway.address)
}

/// The size of a file in bytes.
pub fn size(path: &Path) -> u64 {
    std::fs::metadata(path).expect("a file").len()
}
