//! `check`: its findings for every kind of problem, in every output format, and its exit codes.

mod advice;
mod exit_codes;
mod first_step;
mod html;
mod junit;
mod output_file;
pub mod output_formats;
mod running_exporter;
mod table;
mod terminal;
mod verdicts;
mod watch;

use std::sync::Arc;

use chrono::{SecondsFormat, TimeDelta, Utc};
use exporter_toolkit::clock::{Clock, SystemClock};
use qlara_exporter::check::{Audit, Auditor, CheckError, CheckFormat, CheckOptions, CheckState};
use qlara_exporter::config::{Config, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::clock::ManualClock;
use crate::harness::process::{CommandOutput, exporter, run_beside};
use crate::harness::{API_KEY, Gateway};

/// Both permissions that Facebook requires.
const GRANTED: [&str; 2] = ["pages_messaging", "pages_read_engagement"];

/// A gateway with the system's time and only these profiles.
pub async fn gateway(profiles: &Value) -> Gateway {
    // A fast machine runs more checks per second than the quota allows.
    let options = gateway_simulator::Options {
        rate_limit: gateway_simulator::RateLimit::UNLIMITED,
        ..gateway_simulator::Options::default()
    };
    let gateway = Gateway::start(options, Arc::new(SystemClock)).await;
    gateway.profiles(profiles).await;
    gateway
}

/// Runs the real `check` with the default account.
pub async fn check(gateway: &Gateway, arguments: &[&str]) -> CommandOutput {
    let mut command = exporter();
    command.arg("check").args(arguments);
    command
        .env("QLARA_URL", gateway.url())
        .env("QLARA_API_KEY", API_KEY);
    run_beside(command).await
}

/// Runs the real `check` with a configuration file.
pub async fn check_yaml(gateway: &Gateway, yaml: &str, arguments: &[&str]) -> CommandOutput {
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(&file, yaml).expect("a file");
    std::fs::write(directory.path().join("bad"), "another-key").expect("a file");
    let file = file.display().to_string();
    let arguments = [&["--config.file", &file], arguments].concat();
    check(gateway, &arguments).await
}

/// Runs an audit in this process, at noon of 10 April 2026.
async fn audit(profiles: &Value, yaml: &str, options: CheckOptions) -> Result<Audit, CheckError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at("2026-04-10T12:00:00Z"));
    let gateway = Gateway::start(gateway_simulator::Options::default(), Arc::clone(&clock)).await;
    gateway.profiles(profiles).await;
    let directory = TempDir::new().expect("a folder");
    let file = directory.path().join("qlara.yml");
    std::fs::write(&file, yaml).expect("a file");
    std::fs::write(directory.path().join("bad"), "another-key").expect("a file");
    let settings = Settings {
        file: Some(file),
        url: Some(gateway.url()),
        ..Settings::default()
    };
    let key = |name: &str| (name == "QLARA_API_KEY").then(|| API_KEY.to_owned());
    let config = Config::load(&settings, &key).expect("a good configuration");
    Ok(Auditor::new(config, options, clock)?.audit(|_| ()).await)
}

fn written(audit: &Audit, format: CheckFormat) -> (String, CheckState) {
    let mut text = Vec::new();
    let state = audit.write(format, &mut text).expect("written");
    (String::from_utf8(text).expect("UTF-8"), state)
}

/// A Facebook page without problems.
fn page(id: &str) -> Value {
    json!({
        "platform": "facebook",
        "profileId": id,
        "name": "A page",
        "status": "CONNECTED",
        "tokenExpiresAt": in_days(60.0),
        "connectedAt": in_days(-100.0),
        "permissions": GRANTED,
        "lastActivityAt": in_days(-0.1),
    })
}

/// The profile with some of its fields changed.
fn with(mut profile: Value, fields: Value) -> Value {
    let fields = fields.as_object().expect("an object").clone();
    profile.as_object_mut().expect("an object").extend(fields);
    profile
}

/// The time in this many days, by the system's clock.
fn in_days(days: f64) -> String {
    let moment = Utc::now() + TimeDelta::seconds((days * 86_400.0) as i64);
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
