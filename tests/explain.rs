//! `explain`: which fields the gateway returns and which are read, without any value.

mod gateway;
mod privacy;
mod saved;

use gateway_simulator::Options;
use serde_json::Value;

use std::sync::Arc;

use exporter_toolkit::clock::SystemClock;

use crate::harness::process::{CommandOutput, exporter, run_beside, run_with_input};
use crate::harness::{API_KEY, Gateway};

async fn start(options: Options) -> Gateway {
    Gateway::start(options, Arc::new(SystemClock)).await
}

/// Runs the real `explain` at this base address.
async fn explain_at(url: &str, arguments: &[&str]) -> CommandOutput {
    let mut command = exporter();
    command.arg("explain").args(arguments);
    command.env("QLARA_URL", url).env("QLARA_API_KEY", API_KEY);
    run_beside(command).await
}

/// Runs the real `explain` with a response on standard input. Returns the exit code and all output.
fn explain_input(answer: &str, arguments: &[&str]) -> (i32, String) {
    let mut command = exporter();
    command.args(["explain", "--from", "-"]).args(arguments);
    run_with_input(&mut command, answer)
}

fn explain_json(answer: &Value) -> Value {
    let (_, output) = explain_input(&answer.to_string(), &["--output", "json"]);
    serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"))
}

/// The field of this name in the first call of the first account.
fn field<'a>(json: &'a Value, name: &str) -> &'a Value {
    let fields = json["accounts"][0]["calls"][0]["fields"].as_array();
    let found = fields.expect("fields").iter().find(|at| at["name"] == name);
    found.unwrap_or_else(|| panic!("no field {name} in {json}"))
}
