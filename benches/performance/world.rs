//! The servers and files that all measurements with one number of profiles share.

use std::path::{Path, PathBuf};
use std::process::Command;

use exporter_toolkit::content_encoding::Encoding;
use exporter_toolkit::metrics_format::Format;
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
    /// The exporter's response in all forms; the text format comes first, and in each format the plain form.
    pub forms: Vec<Form>,
    _directory: TempDir,
}

/// A form of the exporter's response.
pub struct Form {
    pub format: Format,
    pub encoding: Encoding,
    /// Asks for this form.
    pub request: Request,
    /// The body, in a file for the floors.
    pub body: PathBuf,
}

impl World {
    pub async fn of(profiles: usize) -> World {
        let gateway = Process::start(&mut process::gateway(profiles));
        let exporter = Process::start(&mut exporter_of(process::exporter(), &gateway, "1h"));
        let directory = tempfile::tempdir().expect("a folder");
        let mut forms = Vec::new();
        for format in [Format::Text, Format::OpenMetrics] {
            for encoding in [Encoding::Plain, Encoding::Gzip] {
                let body = directory.path().join(format!("{format:?}-{encoding:?}"));
                let form = Form::new(format, encoding, body);
                let fetched = fetch(exporter.address, &form.request).await;
                std::fs::write(&form.body, fetched).expect("a file");
                forms.push(form);
            }
        }
        World {
            profiles,
            forms,
            gateway,
            exporter,
            _directory: directory,
        }
    }

    /// The response in this format without compression.
    pub fn plain(&self, format: Format) -> &Form {
        let mut forms = self.forms.iter().filter(|form| form.format == format);
        let plain = forms.find(|form| form.encoding == Encoding::Plain);
        plain.expect("all forms")
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

impl Form {
    fn new(format: Format, encoding: Encoding, body: PathBuf) -> Form {
        let request = match encoding {
            Encoding::Plain => Request::plain(METRICS),
            Encoding::Gzip => Request::gzip(METRICS),
        };
        let request = match format {
            Format::Text => request,
            Format::OpenMetrics => request.for_open_metrics(),
        };
        Form {
            format,
            encoding,
            request,
            body,
        }
    }

    /// The size of the body in bytes.
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(&self.body).expect("a file").len()
    }
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
