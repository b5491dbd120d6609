//! The image and the stack of `deploy/compose`: each mounted file is checked by the tool that reads it in the
//! container.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use qlara_exporter::config::DEFAULT_URL;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::process::run;
use crate::harness::tools::needs;

const DOCKERFILE: &str = include_str!("../Dockerfile");
const COMPOSE: &str = include_str!("../deploy/compose/compose.yaml");
const ENVIRONMENT: &str = include_str!("../deploy/compose/.env.example");

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, Value>,
}

/// The options that the services may use; others, such as `privileged` or `network_mode`, are not allowed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    image: String,
    #[serde(default, rename = "build")]
    _build: Value,
    #[serde(default, rename = "pull_policy")]
    _pull_policy: Value,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    volumes: Vec<String>,
    #[serde(default, rename = "tmpfs")]
    _tmpfs: Vec<String>,
    ports: Vec<String>,
    healthcheck: Healthcheck,
    restart: String,
    read_only: bool,
    cap_drop: Vec<String>,
    security_opt: Vec<String>,
}

#[derive(Deserialize)]
struct Healthcheck {
    test: Vec<String>,
}

impl Compose {
    fn read() -> Compose {
        serde_saphyr::from_str(COMPOSE).expect("a compose file")
    }

    /// `host:port` must be a service and a port on which it listens.
    fn assert_reachable(&self, address: &str) {
        let (host, port) = address.split_once(':').expect("a port");
        let service = self.services.get(host).unwrap_or_else(|| panic!("{host}"));
        let listens = service
            .ports
            .iter()
            .any(|published| published.rsplit(':').next() == Some(port));
        assert!(listens, "{address}");
    }
}

impl Service {
    /// Source and target of every mount.
    fn mounts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.volumes.iter().map(|volume| {
            let mut parts = volume.split(':');
            let part = parts.next().expect("a source");
            (part, parts.next().expect("a target"))
        })
    }

    /// The part of the container's file system that comes from this repository.
    fn files(&self) -> TempDir {
        let root = TempDir::new().expect("a folder");
        let binds = self.mounts().filter(|(source, _)| source.starts_with('.'));
        for (source, target) in binds {
            let place = inside(&root, target);
            std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
            symlink(compose_folder().join(source), place).expect("a link");
        }
        root
    }
}

fn compose_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/compose")
}

fn inside(root: &TempDir, path: &str) -> PathBuf {
    root.path().join(path.trim_start_matches('/'))
}

fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// Runs a checker of Prometheus on the configuration file of a service.
fn check_configuration(service: &Service, checker: &[&str]) -> String {
    let file = service
        .command
        .iter()
        .find_map(|word| word.strip_prefix("--config.file="))
        .expect("a configuration file");
    let files = service.files();
    let (code, output, error) = run(Command::new(checker[0])
        .args(&checker[1..])
        .arg(inside(&files, file)));
    assert_eq!(code, 0, "{output}{error}");
    output
}

/// `v1.2.3` or `1.2.3`, with an optional `-variant` and an optional digest.
fn is_exact(image: &str) -> bool {
    let tag = image
        .split('@')
        .next()
        .and_then(|name| name.split_once(':'));
    let version = tag.and_then(|(_, tag)| tag.trim_start_matches('v').split('-').next());
    version.is_some_and(|version| {
        let parts: Vec<&str> = version.split('.').collect();
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
    })
}

#[test]
fn every_service_is_pinned_checked_sandboxed_and_on_loopback() {
    let compose = Compose::read();
    for (name, service) in &compose.services {
        assert!(is_exact(&service.image), "{name}: {}", service.image);
        assert_eq!(service.healthcheck.test[0], "CMD", "{name}");
        assert_eq!(service.restart, "unless-stopped", "{name}");
        assert!(service.read_only, "{name}");
        assert_eq!(service.cap_drop, ["ALL"], "{name}");
        assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        assert!(!service.ports.is_empty(), "{name}");
        for port in &service.ports {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
    }
    let names: Vec<&str> = compose.services.keys().map(String::as_str).collect();
    assert_eq!(names, ["alertmanager", "exporter", "grafana", "prometheus"]);
}

#[test]
fn every_mount_exists_and_repository_mounts_are_read_only() {
    let compose = Compose::read();
    for (name, service) in &compose.services {
        for (volume, (source, _)) in service.volumes.iter().zip(service.mounts()) {
            if source.starts_with('.') {
                assert!(compose_folder().join(source).exists(), "{name}: {volume}");
                assert!(volume.ends_with(":ro"), "{name}: {volume}");
            } else {
                assert!(compose.volumes.contains_key(source), "{name}: {volume}");
            }
        }
    }
}

#[test]
fn two_variables_select_the_gateway_and_the_demo_gets_no_key() {
    let exporter = &Compose::read().services["exporter"];
    assert_eq!(
        exporter.command,
        ["${QLARA_URL:+--qlara.url=}${QLARA_URL:-demo}"]
    );
    let key = "${QLARA_URL:+${QLARA_API_KEY:-}}";
    assert_eq!(json!(exporter.environment), json!({ "QLARA_API_KEY": key }));
    let example: Vec<&str> = ENVIRONMENT
        .lines()
        .filter_map(|line| line.strip_prefix("#QLARA_"))
        .collect();
    assert_eq!(example, [&format!("URL='{DEFAULT_URL}'"), "API_KEY='…'"]);
}

#[test]
fn prometheus_accepts_its_configuration_and_rules() {
    needs!("promtool");
    let compose = Compose::read();
    let prometheus = &compose.services["prometheus"];
    let output = check_configuration(prometheus, &["promtool", "check", "config"]);
    assert!(output.contains("1 rule files found"), "{output}");
    assert!(output.contains(" rules found"), "{output}");

    let configuration = yaml(&compose_folder().join("prometheus.yml"));
    let scrape = &configuration["scrape_configs"][0];
    assert_eq!(scrape["job_name"], "qlara");
    let alertmanagers = &configuration["alerting"]["alertmanagers"][0];
    for configs in [scrape, alertmanagers] {
        let target = configs["static_configs"][0]["targets"][0].as_str();
        compose.assert_reachable(target.expect("a target"));
    }
}

#[test]
fn alertmanager_accepts_its_configuration_and_templates() {
    needs!("amtool");
    let alertmanager = &Compose::read().services["alertmanager"];
    let output = check_configuration(alertmanager, &["amtool", "check-config"]);
    assert!(output.contains("SUCCESS"), "{output}");
}

#[test]
fn grafana_finds_its_datasource_and_dashboards() {
    let compose = Compose::read();
    let grafana = &compose.services["grafana"];
    let files = grafana.files();
    let provisioning = inside(&files, "/etc/grafana/provisioning");

    let datasource = &yaml(&provisioning.join("datasources/prometheus.yml"))["datasources"][0];
    assert_eq!(datasource["type"], "prometheus");
    let url = datasource["url"].as_str().expect("a URL");
    compose.assert_reachable(url.strip_prefix("http://").expect("a plain URL"));
    let configuration = yaml(&compose_folder().join("prometheus.yml"));
    assert_eq!(
        datasource["jsonData"]["timeInterval"],
        configuration["global"]["scrape_interval"]
    );

    let provider = &yaml(&provisioning.join("dashboards/qlara.yml"))["providers"][0];
    let folder = provider["options"]["path"].as_str().expect("a path");
    let mut titles = Vec::new();
    for entry in std::fs::read_dir(inside(&files, folder)).expect("a folder") {
        let path = entry.expect("a file").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let text = std::fs::read_to_string(&path).expect("a file");
            let dashboard: Value = serde_json::from_str(&text).expect("JSON");
            titles.push(dashboard["title"].as_str().expect("a title").to_owned());
        }
    }
    assert!(titles.len() >= 2, "{titles:?}");
    let home = &grafana.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"];
    assert!(inside(&files, home).is_file(), "{home}");
}

#[test]
fn image_is_pinned_unprivileged_and_of_this_version() {
    let instruction = |name: &str| {
        let lines = DOCKERFILE.lines();
        let found: Vec<&str> = lines.filter_map(|line| line.strip_prefix(name)).collect();
        found
    };
    for base in instruction("FROM ") {
        let image = base.split(' ').next().expect("an image");
        assert!(image == "scratch" || is_exact(image), "{image}");
    }
    assert_eq!(instruction("USER "), ["65532:65532"]);
    let version = env!("CARGO_PKG_VERSION");
    let label = format!("org.opencontainers.image.version=\"{version}\"");
    assert!(DOCKERFILE.contains(&label), "{label}");

    let compose = Compose::read();
    let exporter = &compose.services["exporter"];
    assert_eq!(exporter.image, format!("qlara-exporter:{version}"));
    compose.assert_reachable(&format!("exporter:{}", instruction("EXPOSE ")[0]));
    let check = instruction("HEALTHCHECK ")[0];
    let (_, command) = check.split_once("CMD ").expect("a command");
    let command: Vec<String> = serde_json::from_str(command).expect("the exec form");
    assert_eq!(exporter.healthcheck.test[1..], command);
}
